# Completion of nrun and of scripts with entrypoints, for fish: nrun completion fish | source

function __nrun_complete
    set -l words (commandline -opc)
    set -l python $words[1]
    if test (path basename -- $python) = nrun
        set python @PYTHON@
        set -l first (string replace -r '^#!' '' -- (head -n 1 (command -s $words[1])))
        test -x "$first"; and set python $first
    end
    $python -P -m nrun_language_overrides.completion fish $words (commandline -ct) 2>/dev/null
end

function __nrun_is_script
    set -l words (commandline -opc)
    test (count $words) -gt 1; and string match -q '*.py' -- $words[2]
end

complete -c nrun -f -a '(__nrun_complete)'
for python in python python3
    complete -c $python -n __nrun_is_script -f -a '(__nrun_complete)'
end
