package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a script that a shell evaluates.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// commandNames lists the commands as the table in main.go has them.
func commandNames(k *kong.Kong) (names []string) {
	for _, n := range k.Model.Children {
		names = append(names, n.Name)
	}
	return names
}

func (c *completionCmd) Run(a *app, k *kong.Kong) error {
	names := strings.Join(commandNames(k), " ")
	switch c.Shell {
	case "bash":
		fmt.Fprintf(a.out, `_whistler() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "%s" -- "$cur"))
  elif [ "${COMP_WORDS[1]}" = help ]; then
    COMPREPLY=($(compgen -W "$(whistler help 2>/dev/null | grep '^  ')" -- "$cur"))
  elif [ "${COMP_WORDS[COMP_CWORD-1]}" = --iface ]; then
    COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur"))
  else
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _whistler whistler
`, names)
	case "zsh":
		fmt.Fprintf(a.out, `#compdef whistler
_whistler() {
  if (( CURRENT == 2 )); then
    compadd %s
  elif [[ $words[2] == help ]]; then
    compadd $(whistler help 2>/dev/null | grep '^  ')
  elif [[ $words[CURRENT-1] == --iface ]]; then
    compadd $(ls /sys/class/net 2>/dev/null)
  else
    _files
  fi
}
compdef _whistler whistler
`, names)
	case "fish":
		fmt.Fprintf(a.out, `complete -c whistler -n __fish_use_subcommand -f -a "%s"
complete -c whistler -n "__fish_seen_subcommand_from help" -f -a "(whistler help 2>/dev/null | string match -r '^  .*' | string split -n ' ')"
complete -c whistler -l iface -x -a "(ls /sys/class/net 2>/dev/null)"
`, names)
	}
	return nil
}
