# Completion of nrun and of scripts with entrypoints, for zsh: eval "$(nrun completion zsh)", after compinit

_nrun_answers() { # PYTHON
    local -a parts wholes part_texts whole_texts fields
    local line
    for line in "${(@f)$("$1" -P -m nrun_language_overrides.completion zsh "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        fields=("${(@s:	:)line}")
        case $fields[1] in
            whole) wholes+=("$fields[2]") whole_texts+=("$fields[3]") ;;
            part) parts+=("$fields[2]") part_texts+=("$fields[3]") ;;
        esac
    done
    (( $#parts )) && compadd -S '' -l -d part_texts -a parts
    (( $#wholes )) && compadd -l -d whole_texts -a wholes
    return $(( ! ($#parts + $#wholes) ))
}

_nrun() {
    local first python=@PYTHON@
    IFS= read -r first <"$(whence -p "$words[1]")" 2>/dev/null
    [[ -x ${first#\#!} ]] && python=${first#\#!}
    _nrun_answers "$python"
}

_nrun_script() {
    if [[ $words[2] == *.py ]] && (( CURRENT > 2 )); then
        _nrun_answers "${(Q)words[1]}" || _files
    elif (( $+functions[_python] )); then
        _python
    else
        _files
    fi
}

compdef _nrun nrun
compdef _nrun_script python python3
