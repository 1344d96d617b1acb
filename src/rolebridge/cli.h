#ifndef RB_ROLEBRIDGE_CLI_H
#define RB_ROLEBRIDGE_CLI_H

#include "base/clock.h"
#include "base/refusal.h"
#include "base/secret.h"
#include "net/net.h"

#include <glib.h>
#include <jansson.h>

/* The command that people use. One file a command; this header is what commands share. */

/** Exit codes; README and man page list them. */
typedef enum {
    RB_EXIT_OK = 0,
    RB_EXIT_REFUSED = 1, /* the answer is no */
    RB_EXIT_USAGE = 2,   /* the command line is wrong */
    RB_EXIT_SIGN_IN = 3, /* not signed in, or no longer: run `rolebridge login` */
    RB_EXIT_FAULT = 4,   /* could not tell: network, bridge, file */
    RB_EXIT_INTERRUPTED = 130,
} RbExit;

/** What every command works with; made once in main. */
typedef struct {
    char *bridge;  /* https://bridge.acme.example; NULL: not configured */
    char *session; /* name of the sso-session; names the token cache file as the AWS SDKs do */
    char *region;
    char *ca_file;   /* NULL: the system's */
    char *start_url; /* the alias that `aws sso login` knows the bridge by; NULL: none */
    char *aws_dir;   /* ~/.aws: SDKs keep tokens there wherever AWS_CONFIG_FILE is */
    char *config_file, *config_dir, *cache_dir;
    gboolean keyring; /* role credentials go to the keyring, never to a file */
    gboolean json;    /* --json */
    gboolean colour;  /* stdout is a terminal and NO_COLOR is not set */
    gboolean asks;    /* stdin and stderr are terminals: questions may be asked */
    RbClock clock;
    RbHttp *http; /* made at first use by rb_cli_http() */
} RbCli;

typedef struct {
    const char *name;
    const char *arguments;                         /* "[ACCOUNT.ROLE] [-- COMMAND…]" */
    const char *summary;                           /* one line */
    const char *details;                           /* paragraphs for --help: what it does, examples */
    int (*run)(RbCli *cli, int argc, char **argv); /* argv[0] is the command's name; returns an RbExit */
} RbCommand;

/** rb_cli_commands: every command, ended by one whose name is NULL (in the order of --help). */
const RbCommand *rb_cli_commands(void);

/**
 * rb_cli_parse: GOption over @entries (may be NULL) with the common options --json, --url, --help. Leftover
 * arguments stay in argv. Returns: TRUE, or FALSE with @status the exit code (0 after --help)
 */
gboolean rb_cli_parse(RbCli *cli, const RbCommand *command, GOptionEntry *entries, int *argc, char ***argv,
                      int *status);

/** rb_cli_command: the command named @name, or NULL. */
const RbCommand *rb_cli_command(const char *name);

/** rb_cli_settle: fills in what options, environment (ROLEBRIDGE_URL, …) and the configuration file say. */
gboolean rb_cli_settle(RbCli *cli, GError **error);
/** rb_cli_set_region: takes @region, or says that it is none. */
gboolean rb_cli_set_region(RbCli *cli, const char *region, GError **error);
/** rb_cli_remember: writes bridge, session, region, ca_file, start_url to the configuration file. */
gboolean rb_cli_remember(const RbCli *cli, GError **error);
RbHttp *rb_cli_http(RbCli *cli, GError **error);
void rb_cli_clear(RbCli *cli);

/** RB_CLI: errors of the command itself; the code is an RbExit. */
#define RB_CLI rb_cli_quark()
GQuark rb_cli_quark(void);
/** rb_cli_stop: ends the command with @status and a message. Returns: FALSE */
gboolean rb_cli_stop(GError **error, RbExit status, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * rb_cli_report: tells the person on stderr what @error means and what to do (--json: as an object).
 * Returns: the exit code for it
 */
int rb_cli_report(const RbCli *cli, const GError *error);

/** rb_cli_print: text from outside, control characters made harmless, to stdout. */
void rb_cli_print(const char *text);
/** rb_cli_print_json: @json indented, in ASCII: what is in it may come from outside and end on a terminal. */
void rb_cli_print_json(const json_t *json);
/** rb_cli_done: flushes stdout. Returns: @status, or a fault's when not all of it could be written */
int rb_cli_done(int status);
/** rb_cli_default_signals: undoes what the process ignores, before something else is started in its place. */
void rb_cli_default_signals(void);

/** rb_cli_width: how many columns @text takes on a terminal. */
guint rb_cli_width(const char *text);

/**
 * rb_cli_origin: (transfer full): "https://host[:port]" of the address a person gave for the bridge; the
 * portal's own paths are cut off. NULL with an RB_CLI error when it is no such address.
 */
char *rb_cli_origin(const char *address, GError **error);

/** rb_cli_aws_file: (transfer full): the file that @variable names, else @name in ~/.aws. */
char *rb_cli_aws_file(const RbCli *cli, const char *variable, const char *name);

/** rb_cli_make_folder: @path and what is missing above it, mode 0700. */
gboolean rb_cli_make_folder(const char *path, GError **error);

/** rb_cli_lines: (transfer full): the lines of a file of ours, at most @max_lines (-1: all; more stay in the
 * last); none when it cannot be read: such files only make things easier. */
GStrv rb_cli_lines(const char *path, gsize max_size, gint max_lines);

/** rb_cli_open: opens @url in the person's browser ($BROWSER, else xdg-open). FALSE when none can be started.
 */
gboolean rb_cli_open(const char *url);

/** rb_cli_duration: "30m", "8h", "900s" or plain seconds; NULL leaves @seconds alone. FALSE when it is none
 * of these. */
gboolean rb_cli_duration(const char *text, gint64 *seconds);

/**
 * rb_cli_lock: takes the advisory lock @name for as long as the descriptor stays open; waits up to @wait_s.
 * @waited (may be NULL): whether somebody else had it. Returns: the descriptor, or -1 with @error
 */
int rb_cli_lock(const RbCli *cli, const char *name, guint wait_s, gboolean *waited, GError **error);

#endif
