#ifndef RB_ROLEBRIDGECTL_COMMAND_H
#define RB_ROLEBRIDGECTL_COMMAND_H

#include "mapping/mapping.h"

#include <glib.h>

/*
 * rolebridgectl COMMAND …: one file a command, ending in one RbCommand, and one line in main.c's table.
 */

/** Exit codes of every command. */
enum {
    RB_EXIT_OK = 0,
    RB_EXIT_NO = 1,    /* a check said no */
    RB_EXIT_USAGE = 2, /* the command line could not be read */
    RB_EXIT_FAULT = 4, /* it could not be told: a file, the store or the network was not there */
};

typedef struct {
    const char *name;
    const char *summary; /* one line, for the list of commands */
    /* argv[0] is the command's name. Returns: the exit code */
    int (*run)(int argc, char **argv);
} RbCommand;

/** rb_command_context: (transfer full): options of a command with its --help: @use is what follows the
 * options, @about what it does, @examples lines to try. */
GOptionContext *rb_command_context(const char *use, const char *about, const char *examples);

/**
 * rb_command_parse: parses; what is left of the command line is an error. Prints the mistake and where help
 * is. Returns: FALSE: exit with RB_EXIT_USAGE
 */
gboolean rb_command_parse(GOptionContext *context, int argc, char **argv);

/** rb_command_mappings: (transfer full): @asked, or the first that exists of ./mappings and
 * /etc/rolebridge/mappings; NULL after telling that there is none. */
char *rb_command_mappings(const char *asked);

/** rb_command_tell: @problems on stderr, in colour where it is a terminal that wants it. */
void rb_command_tell(RbDiagnostics *problems);

/** rb_command_load: (transfer full): the mapping in rb_command_mappings(@asked); NULL after telling its
 * mistakes, and what that means: "so @then". @command: who says it. */
RbSnapshot *rb_command_load(const char *command, const char *asked, const char *then);

/** rb_command_usage: tells what is wrong with the command line of @command: @before, @value in quotes (NULL:
 * none), @after; and where help is. Returns: RB_EXIT_USAGE */
int rb_command_usage(const char *command, const char *before, const char *value, const char *after);

/** rb_command_texts: (transfer full): a list of texts (NULL: an empty one) as JSON. */
json_t *rb_command_texts(const GPtrArray *texts);

/** rb_command_print: (transfer full): @json (taken over) as it is printed: indented, keys in their order, a
 * line's end behind it. */
char *rb_command_print(json_t *json);

/** rb_command_diagnostics: (transfer full): @problems as a list of objects: severity, code, file, line,
 * column, message, hint. */
json_t *rb_command_diagnostics(RbDiagnostics *problems);

extern const RbCommand rb_command_check, rb_command_compile, rb_command_doctor, rb_command_explain,
    rb_command_map, rb_command_prove, rb_command_refine, rb_command_simulate, rb_command_validate;

#endif
