#include "review/review.h"
#include "rolebridgectl/review.h"
#include "rolebridgectl/revision.h"

#include <unistd.h>

/* Everything the command line can say. */
typedef struct {
    char *mappings, *fail_on;
    char **names; /* OLD, NEW */
    gboolean json, markdown, full, exit_code;
} Asked;

static void
asked_clear(Asked *asked)
{
    g_free(asked->mappings);
    g_free(asked->fail_on);
    g_strfreev(asked->names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static GOptionContext *
make_context(Asked *a)
{
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "the directory that a revision is asked for, and NEW where it is not said; default: ./mappings, "
          "then /etc/rolebridge/mappings",
          "DIR" },
        { "markdown", 0, 0, G_OPTION_ARG_NONE, &a->markdown, "print it for a pull request", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "print one JSON object", NULL },
        { "full", 0, 0, G_OPTION_ARG_NONE, &a->full, "name every account and action, however many", NULL },
        { "exit-code", 0, 0, G_OPTION_ARG_NONE, &a->exit_code, "exit with 1 when anything changes", NULL },
        { "fail-on", 0, 0, G_OPTION_ARG_STRING, &a->fail_on,
          "exit with 1 when somebody gains access or a limit is looser (gain), or loses (loss)",
          "gain|loss" },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->names, NULL, NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        "OLD [NEW]",
        "Tells what a change of the mapping does: which groups gain and lose which roles where, what roles\n"
        "may do more and less, which limits moved. OLD and NEW are directories or git revisions; without "
        "NEW:\n"
        "the mapping as it is now.",
        "Examples:\n"
        "  rolebridgectl diff main                          from main to what is here, not committed too\n"
        "  rolebridgectl diff HEAD~1 HEAD --markdown        for a pull request\n"
        "  rolebridgectl diff main:access/mappings HEAD:access/mappings --json\n"
        "  rolebridgectl diff old-mappings/ mappings/ --fail-on gain\n\n"
        "A name that is a directory is read as one; write refs/heads/NAME for a branch that is called the "
        "same.\n\n"
        "Exit codes: 0 done, whatever changes; 1 as --exit-code and --fail-on say; 2 usage;\n"
        "4 a mapping could not be read (rolebridgectl check says why).\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

static int
usage(const char *words)
{
    g_printerr("rolebridgectl diff: %s\nTry: rolebridgectl diff --help\n", words);
    return RB_EXIT_USAGE;
}

static void
print(const RbReview *review, const Asked *asked, const RbReviewLook *look)
{
    g_autofree char *text = asked->json       ? rb_command_print(rb_review_json(review, look))
                            : asked->markdown ? rb_review_markdown(review, look)
                                              : rb_review_text(review, look);

    g_print("%s", text);
}

static int
verdict(const RbReview *review, const Asked *asked)
{
    RbReviewCount n = rb_review_count(review);

    if (asked->exit_code && n.gains + n.losses + n.neutral > 0)
        return RB_EXIT_NO;
    if (asked->fail_on == NULL)
        return RB_EXIT_OK;
    return (g_str_equal(asked->fail_on, "gain") ? n.gains : n.losses) > 0 ? RB_EXIT_NO : RB_EXIT_OK;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    g_autofree char *mappings = NULL;
    g_autoptr(RbSnapshot) before = NULL, after = NULL;
    g_autoptr(RbReview) review = NULL;
    gboolean refused = FALSE;
    RbReviewLook look;
    guint n;

    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    n = asked.names == NULL ? 0 : g_strv_length(asked.names);
    if (n < 1 || n > 2)
        return usage(n == 0 ? "say what to compare with: a directory or a git revision"
                            : "two are compared: OLD and NEW");
    if (asked.json && asked.markdown)
        return usage("either --json or --markdown");
    if (asked.fail_on != NULL && !g_str_equal(asked.fail_on, "gain") && !g_str_equal(asked.fail_on, "loss"))
        return usage("--fail-on takes gain or loss");
    mappings = rb_revision_mappings(asked.mappings, asked.names);
    if (mappings == NULL)
        return RB_EXIT_FAULT;
    before = rb_revision_load("diff", asked.names[0], mappings, &refused);
    if (before != NULL)
        after = rb_revision_load("diff", n == 2 ? asked.names[1] : mappings, mappings, &refused);
    if (after == NULL)
        return refused ? RB_EXIT_USAGE : RB_EXIT_FAULT;
    look = (RbReviewLook){ .before = asked.names[0],
                           .after = n == 2 ? asked.names[1] : mappings,
                           .colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL,
                           .full = asked.full };
    review = rb_review_new(before, after);
    print(review, &asked, &look);
    return verdict(review, &asked);
}

const RbCommand rb_command_diff = { "diff", "tells what a change of the mapping gives and takes", run };
