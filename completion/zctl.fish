# SPDX-License-Identifier: MIT
# fish completion for zctl(1).  All words are asked of zctl itself.

function __zctl_commands
    zctl help 2>/dev/null |
        sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*  \([^ ].*\)/\1\t\2/p'
end

function __zctl_command
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
end

function __zctl_options
    zctl (__zctl_command) --help 2>/dev/null |
        string match -ra -- '--[a-z][a-z-]*=?' | sort -u
end

function __zctl_pids
    zctl list --raw --noheadings -o PID,NAME 2>/dev/null | string replace ' ' \t
end

complete -c zctl -f
complete -c zctl -n 'not __zctl_command | string length -q' -a '(__zctl_commands)'
complete -c zctl -n 'string match -q -- "-*" (commandline -ct)' -a '(__zctl_options)'
complete -c zctl -n '__zctl_command | string match -qr "^(run|doctor)\$"' -a '(__fish_complete_command)'
complete -c zctl -n '__zctl_command | string match -q help' -a '(__zctl_commands)'
complete -c zctl -n '__zctl_command | string match -qr "^(stats|top|metrics|doctor|set|reclaim|off|on|profile|forecast)\$"' -a '(__zctl_pids)'
complete -c zctl -n '__zctl_command | string match -q reclaim' -a all
complete -c zctl -n '__zctl_command | string match -q set' -a '(zctl --print=options 2>/dev/null)='
