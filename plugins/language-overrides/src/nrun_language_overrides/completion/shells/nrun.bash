# Completion of nrun and of scripts with entrypoints, for bash: eval "$(nrun completion bash)"

_nrun_answers() { # PYTHON WORD
    local line reply
    line=${COMP_LINE:0:COMP_POINT}
    reply=$("$1" -P -m nrun_language_overrides.completion bash "$line" "$2" 2>/dev/null)
    [[ $reply ]] && mapfile -t COMPREPLY <<<"$reply"
}

_nrun() {
    local first python=@PYTHON@
    IFS= read -r first <"$(type -P "$1")" 2>/dev/null
    [[ -x ${first#\#!} ]] && python=${first#\#!}
    compopt -o nospace
    _nrun_answers "$python" "$2"
}

_nrun_script() {
    if [[ ${COMP_WORDS[1]-} == *.py ]] && ((COMP_CWORD > 1)); then
        compopt -o nospace
        _nrun_answers "$1" "$2" || compopt +o nospace -o default # this Python has no nrun
    else
        compopt -o default
    fi
}

complete -F _nrun nrun
complete -F _nrun_script python python3
