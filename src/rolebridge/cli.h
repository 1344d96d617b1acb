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
    char *ca_file; /* NULL: the system's */
    char *aws_dir; /* ~/.aws, or where AWS_CONFIG_FILE is */
    char *config_file, *config_dir, *cache_dir;
    gboolean json;   /* --json */
    gboolean colour; /* stdout is a terminal and NO_COLOR is not set */
    gboolean asks;   /* stdin and stderr are terminals: questions may be asked */
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
/** rb_cli_remember: writes bridge, session, region, ca_file to the configuration file. */
gboolean rb_cli_remember(const RbCli *cli, GError **error);
RbHttp *rb_cli_http(RbCli *cli, GError **error);
void rb_cli_clear(RbCli *cli);

/** rb_cli_report: tells the person on stderr what @error means and what to do. Returns: the exit code for it
 */
int rb_cli_report(const RbCli *cli, const GError *error);

/** rb_cli_print: text from outside, control characters made harmless, to stdout. */
void rb_cli_print(const char *text);

/** rb_cli_open: opens @url in the person's browser ($BROWSER, else xdg-open). FALSE when none can be started.
 */
gboolean rb_cli_open(const char *url);

/** rb_cli_duration: "30m", "8h", "900s" or plain seconds; NULL leaves @seconds alone. FALSE when it is none
 * of these. */
gboolean rb_cli_duration(const char *text, gint64 *seconds);

/** rb_cli_lock: takes the advisory lock @name for as long as the descriptor stays open; waits up to @wait_s.
 * Returns: it, or -1. */
int rb_cli_lock(const RbCli *cli, const char *name, guint wait_s, GError **error);

#endif
