#include "rolebridgectl/explain.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Everything the command line can say. */
typedef struct {
    char *mappings, *provider, *at, *ip, *name, *role, *account;
    char **groups, **attributes;
    gboolean mfa, json;
} Asked;

static void
asked_clear(Asked *asked)
{
    char *const texts[] = { asked->mappings, asked->provider, asked->at,     asked->ip,
                            asked->name,     asked->role,     asked->account };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(asked->groups);
    g_strfreev(asked->attributes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static GOptionContext *
make_context(Asked *a)
{
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "group", 'g', 0, G_OPTION_ARG_STRING_ARRAY, &a->groups,
          "a directory group of the person; may be repeated", "G" },
        { "attribute", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &a->attributes,
          "an attribute; repeat it for several values", "KEY=VALUE" },
        { "name", 'n', 0, G_OPTION_ARG_STRING, &a->name, "the person's name; default: somebody", "NAME" },
        { "provider", 'p', 0, G_OPTION_ARG_STRING, &a->provider, "the identity provider that vouches", "ID" },
        { "mfa", 0, 0, G_OPTION_ARG_NONE, &a->mfa, "signed in with a second factor", NULL },
        { "at", 0, 0, G_OPTION_ARG_STRING, &a->at, "the moment, like 2026-11-24T09:00:00Z; default: now",
          "TIME" },
        { "ip", 0, 0, G_OPTION_ARG_STRING, &a->ip, "the person's address; default: not known", "IP" },
        { "role", 0, 0, G_OPTION_ARG_STRING, &a->role, "only this business role", "ROLE" },
        { "account", 0, 0, G_OPTION_ARG_STRING, &a->account, "only this account, by name or id", "ACCOUNT" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "print the decision as the service makes it", NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        NULL, "Tells what a person with these groups may do, and why; and what is missing for the rest.",
        "Examples:\n"
        "  rolebridgectl explain --group acme-data-science --attribute costCenter=4711\n"
        "  rolebridgectl explain --group acme-iam-admins --mfa --json\n"
        "  rolebridgectl explain --group acme-all --role developer --account development    (why not?)\n"
        "  rolebridgectl explain --group acme-accounts-payable-approvers --ip 203.0.113.7 --at "
        "2026-11-24T09:00:00Z\n\n"
        "Exit codes: 0 done; 1 with --role or --account: nothing of it is granted; 2 usage;\n"
        "4 the mapping could not be read (rolebridgectl check says why).\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

/* A mistake on the command line: words, a value in quotes, words. */
static int
usage(const char *before, const char *value, const char *after)
{
    g_autofree char *quoted = rb_text_quote(value);

    g_printerr("rolebridgectl explain: %s %s%s\nTry: rolebridgectl explain --help\n", before, quoted, after);
    return RB_EXIT_USAGE;
}

static RbIdentity *
make_identity(const Asked *a, gint64 now)
{
    const RbPerson person = { a->name, a->provider, a->groups, a->attributes, a->mfa };

    return rb_person_identity("explain", &person, now);
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    const RbClock clock = rb_clock_system();
    RbContext moment = { .now = rb_clock_now(&clock) };
    RbExplainFilter filter;
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbIdentity) identity = NULL;
    g_autoptr(RbDecision) decision = NULL;
    g_autofree char *text = NULL;

    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (asked.at != NULL && !rb_time_parse(asked.at, &moment.now))
        return usage("--at", asked.at, " is not a time; write it like 2026-11-24T09:00:00Z");
    identity = make_identity(&asked, moment.now);
    if (identity == NULL)
        return RB_EXIT_USAGE;
    snapshot = rb_command_load("explain", asked.mappings, "nothing is decided by it");
    if (snapshot == NULL)
        return RB_EXIT_FAULT;
    moment.source_ip = asked.ip;
    filter = (RbExplainFilter){ asked.account, asked.role };
    decision = rb_decide(snapshot, identity, &moment);
    text = asked.json ? rb_command_print(rb_decision_to_json(decision))
                      : rb_explain_text(snapshot, decision, &moment, &filter);
    g_print("%s", text);
    return filter.account == NULL && filter.role == NULL ? RB_EXIT_OK
           : rb_explain_count(decision, &filter) > 0     ? RB_EXIT_OK
                                                         : RB_EXIT_NO;
}

const RbCommand rb_command_explain = { "explain", "tells what a person may do, and why or why not", run };
