#!/bin/sh
# Hands jobs over to Slurm: sh submit.sh ROOT. Each line of the input is a folder below ROOT, that of an attempt or of an
# array, a tab, and the comment of its job. Each line of the answer is a folder, what became of it, and more about that.
#
# Only whoever renames sbatch.ready may submit it. So nothing is submitted twice, even if the connection broke and
# another asks for the same while this goes on. Two are handed over at a time: while sbatch waits, another is prepared.
# shellcheck disable=SC2088 # a tilde as it is given
case $1 in '~') set -- "$HOME" ;; '~/'*) set -- "$HOME/${1#??}" ;; esac
cd "$1" || exit 72
root=$(pwd)
tab=$(printf '\t')
newline='
'
lines=$(cat)
submit() { # every second line, from that one on
    number=0
    printf '%s\n' "$lines" | while IFS=$tab read -r folder comment; do
        number=$((number + 1))
        [ "$((number % 2))" = "$1" ] || continue
        [ ! -e "$folder/refused" ] || rm -f "$folder/refused"
        [ ! -e "$folder/array" ] || rm -f "$folder/array" # it was an element once, of an array that was not submitted
        if ! mv "$folder/sbatch.ready" "$folder/sbatch.sh" 2>/dev/null; then
            printf '%s\tlost\tsomebody else submits it\n' "$folder"
            continue
        fi
        [ ! -r "$folder/comment" ] || comment="$comment $(cat "$folder/comment")"
        if answer=$(timeout 120 sbatch --parsable --chdir="$root/$folder" --comment="$comment" \
            "$root/$folder/sbatch.sh" 2>"$folder/sbatch.err" </dev/null); then
            job=${answer##*"$newline"}
            printf '%s\n' "$job" >"$folder/job"
            printf '%s\tjob\t%s\n' "$folder" "$job"
            continue
        fi
        words=$(tr '\n\t' '  ' <"$folder/sbatch.err")
        case $words in
            *'connect failure'* | *'onnection refused'*) said=unreached ;;
            '' | *'imed out'* | *'Unable to contact'* | *'ero '[Bb]'ytes'* | *'ommunication'* | *'emporarily'*) said=lost ;;
            *'job array specification'*)
                said=limit
                words="$(scontrol show config | sed -n 's/^MaxArraySize *= *//p') $words" ;;
            *) said=refused ;;
        esac
        [ "$said" = lost ] || printf '%s\n' "$words" >"$folder/refused"
        printf '%s\t%s\t%s\n' "$folder" "$said" "$words"
    done
}
submit 1 &
submit 0
wait
