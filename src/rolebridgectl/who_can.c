#include "base/encoding.h"
#include "iam/catalogue.h"
#include "review/review.h"
#include "rolebridgectl/review.h"

#include <string.h>
#include <unistd.h>

/* Everything the command line can say. */
typedef struct {
    char *mappings, *account;
    char **words; /* ACTION, RESOURCE */
    gboolean json, full;
} Asked;

static void
asked_clear(Asked *asked)
{
    g_free(asked->mappings);
    g_free(asked->account);
    g_strfreev(asked->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static GOptionContext *
make_context(Asked *a)
{
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "account", 0, 0, G_OPTION_ARG_STRING, &a->account, "only this account, by name or id", "ACCOUNT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "print one JSON object", NULL },
        { "full", 0, 0, G_OPTION_ARG_NONE, &a->full, "name every account, however many", NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &a->words, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        "ACTION RESOURCE",
        "Tells which roles in which accounts allow an action on a resource, under what conditions, by which\n"
        "statement, and which groups have these roles. Both may have wildcards; RESOURCE is '*' for actions\n"
        "that take none.",
        "Examples:\n"
        "  rolebridgectl who-can s3:PutObject 'arn:aws:s3:::acme-research-out/*'\n"
        "  rolebridgectl who-can 'iam:*' '*' --account analytics-prod\n"
        "  rolebridgectl who-can ec2:TerminateInstances "
        "arn:aws:ec2:eu-central-1:444455556666:instance/i-1 --json\n\n"
        "Exit codes: 0 somebody may, perhaps under conditions; 1 nobody; 2 usage; 4 it could not be told: "
        "the\n"
        "mapping has errors, or all depends on policies whose documents are not in mappings/managed/.\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

static int
check_words(const Asked *asked)
{
    const char *action, *resource;

    if (asked->words == NULL || g_strv_length(asked->words) != 2)
        return rb_command_usage("who-can", "say an action and a resource", NULL, "");
    action = asked->words[0];
    resource = asked->words[1];
    if (!g_str_equal(action, "*") && strchr(action, ':') == NULL)
        return rb_command_usage("who-can", "", action, " is no action; write it like s3:GetObject");
    if (!g_str_equal(resource, "*") && !g_str_has_prefix(resource, "arn:"))
        return rb_command_usage("who-can", "", resource, " is no resource; write an ARN, or '*'");
    if (strpbrk(action, "*?") == NULL && rb_catalogue_action(action) == NULL) {
        const char *near = rb_catalogue_nearest(action);
        g_printerr("rolebridgectl who-can: AWS's list of actions (of %s) has no %s%s%s\n",
                   rb_catalogue_version(), action, near == NULL ? "" : "; did you mean ",
                   near == NULL ? "" : near);
    }
    return RB_EXIT_OK;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbReach) reach = NULL;
    g_autofree char *text = NULL;
    const RbReviewLook look = { .colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL };
    RbReviewLook shown = look;

    if (!rb_command_parse(context, argc, argv) || check_words(&asked) != RB_EXIT_OK)
        return RB_EXIT_USAGE;
    snapshot = rb_command_load("who-can", asked.mappings, "nothing is told of it");
    if (snapshot == NULL)
        return RB_EXIT_FAULT;
    if (asked.account != NULL && rb_snapshot_account(snapshot, asked.account) == NULL)
        return rb_command_usage("who-can", "no account ", asked.account, "");
    shown.full = asked.full;
    reach = rb_reach_new(snapshot, asked.words[0], asked.words[1], asked.account);
    text = asked.json ? rb_command_print(rb_reach_json(reach)) : rb_reach_text(reach, &shown);
    g_print("%s", text);
    return rb_reach_answer(reach) == RB_REACH_NOBODY    ? RB_EXIT_NO
           : rb_reach_answer(reach) == RB_REACH_UNKNOWN ? RB_EXIT_FAULT
                                                        : RB_EXIT_OK;
}

const RbCommand rb_command_who_can = { "who-can", "tells who may do something to a resource", run };
