#include "rolebridge/role.h"

#include <stdio.h>

static int run(RbCli *cli, int argc, char **argv);

const RbCommand rb_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish|roles",
    .summary = "Print a shell completion script",
    .details = "Examples:\n"
               "  rolebridge completion bash > ~/.local/share/bash-completion/completions/rolebridge\n"
               "  rolebridge completion zsh > \"${fpath[1]}/_rolebridge\"\n"
               "  rolebridge completion fish > ~/.config/fish/completions/rolebridge.fish\n\n"
               "'completion roles' prints the roles that the bridge listed last, a line each: what the "
               "scripts complete with.",
    .run = run,
};

static void
print_bash(void)
{
    fputs("_rolebridge() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]}\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"",
          stdout);
    for (const RbCommand *c = rb_cli_commands(); c->name != NULL; c++)
        printf("%s%s", c == rb_cli_commands() ? "" : " ", c->name);
    fputs("\" -- \"$word\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n"
          "        credentials | exec | console | serve | eks-token)\n"
          "            mapfile -t COMPREPLY < <(compgen -W \"$(rolebridge completion roles 2>/dev/null)\" -- "
          "\"$word\") ;;\n"
          "        agent) mapfile -t COMPREPLY < <(compgen -W '--status --stop --json' -- \"$word\") ;;\n"
          "        completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$word\") ;;\n"
          "    esac\n"
          "}\n"
          "complete -F _rolebridge rolebridge\n",
          stdout);
}

static void
print_zsh(void)
{
    fputs("#compdef rolebridge\n"
          "local -a commands roles\n"
          "commands=(\n",
          stdout);
    for (const RbCommand *c = rb_cli_commands(); c->name != NULL; c++) {
        g_autofree char *line = g_strconcat(c->name, ":", c->summary, NULL);
        g_autofree char *quoted = g_shell_quote(line); /* a summary may have an apostrophe */
        printf("    %s\n", quoted);
    }
    fputs(")\n"
          "if (( CURRENT == 2 )); then\n"
          "    _describe command commands\n"
          "    return\n"
          "fi\n"
          "case ${words[2]} in\n"
          "    credentials|exec|console|serve|eks-token)\n"
          "        roles=(${(f)\"$(rolebridge completion roles 2>/dev/null)\"})\n"
          "        compadd -a roles ;;\n"
          "    agent) compadd -- --status --stop --json ;;\n"
          "    completion) compadd bash zsh fish ;;\n"
          "esac\n",
          stdout);
}

static void
print_fish(void)
{
    fputs("complete -c rolebridge -f\n", stdout);
    for (const RbCommand *c = rb_cli_commands(); c->name != NULL; c++)
        printf("complete -c rolebridge -n __fish_use_subcommand -a %s -d \"%s\"\n", c->name, c->summary);
    fputs("complete -c rolebridge -n '__fish_seen_subcommand_from credentials exec console serve eks-token' "
          "-a '(rolebridge completion roles 2>/dev/null)'\n"
          "complete -c rolebridge -n '__fish_seen_subcommand_from agent' -a '--status --stop --json'\n"
          "complete -c rolebridge -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n",
          stdout);
}

static int
run(RbCli *cli, int argc, char **argv)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };
    int status;

    if (!rb_cli_parse(cli, &rb_command_completion, NULL, &argc, &argv, &status))
        return status;
    for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS(shells); i++)
        if (g_str_equal(argv[1], shells[i].shell)) {
            shells[i].print();
            return RB_EXIT_OK;
        }
    if (argc == 2 && g_str_equal(argv[1], "roles")) {
        g_auto(GStrv) known = rb_roles_known(cli);
        for (char **spec = known; *spec != NULL; spec++)
            puts(*spec);
        return RB_EXIT_OK;
    }
    fprintf(stderr, "rolebridge completion: name a shell: bash, zsh or fish\n");
    return RB_EXIT_USAGE;
}
