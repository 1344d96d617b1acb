#include "base/clock.h"
#include "base/encoding.h"
#include "review/review.h"
#include "rolebridgectl/person.h"
#include "rolebridgectl/review.h"

#include <unistd.h>

/* Everything the command line can say. */
typedef struct {
    char *mappings, *provider, *account, *ip, *at;
    char **groups, **attributes;
    gboolean no_mfa, json, full;
} Asked;

static void
asked_clear(Asked *asked)
{
    char *const texts[] = { asked->mappings, asked->provider, asked->account, asked->ip, asked->at };

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
        { "group", 'g', 0, G_OPTION_ARG_STRING_ARRAY, &a->groups, "a directory group; may be repeated", "G" },
        { "provider", 'p', 0, G_OPTION_ARG_STRING, &a->provider, "the identity provider that vouches", "ID" },
        { "attribute", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &a->attributes,
          "an attribute; repeat it for several values", "KEY=VALUE" },
        { "account", 0, 0, G_OPTION_ARG_STRING, &a->account, "only this account, by name or id", "ACCOUNT" },
        { "no-mfa", 0, 0, G_OPTION_ARG_NONE, &a->no_mfa, "without a second factor", NULL },
        { "at", 0, 0, G_OPTION_ARG_STRING, &a->at, "the moment, like 2026-11-24T09:00:00Z; default: now",
          "TIME" },
        { "ip", 0, 0, G_OPTION_ARG_STRING, &a->ip, "the person's address; default: not known", "IP" },
        { "full", 0, 0, G_OPTION_ARG_NONE, &a->full, "every statement: which actions, on what, when", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "print one JSON object", NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        NULL,
        "Tells what members of a group may do: their roles, in which accounts, and how many actions of "
        "which\n"
        "services lie behind them. What only somebody else, or only another moment, gets is named at the "
        "end.",
        "Examples:\n"
        "  rolebridgectl what-can --group acme-data-science --attribute costCenter=4711\n"
        "  rolebridgectl what-can --group acme-iam-admins --account corporate --full\n"
        "  rolebridgectl what-can --provider ci --attribute repository=acme/data-pipeline --attribute "
        "ref=refs/heads/main\n\n"
        "Exit codes: 0 done; 1 they get no role; 2 usage; 4 the mapping could not be read.\n");

    g_option_context_add_main_entries(context, options, NULL);
    return context;
}

static gboolean
is_wanted(const RbAccount *only, const char *account)
{
    return only == NULL || g_str_equal(only->id, account);
}

/* What stands between these people and more, one line each. */
static void
print_misses(const RbDecision *decision, const RbAccount *only)
{
    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        g_autofree char *detail = rb_text_printable(m->detail, 500),
                        *title = rb_text_printable(m->role_title, 200);
        if (is_wanted(only, m->account))
            g_print("\n%s in %s (%s) is named for them, and not given: %s\n", title, m->account_name,
                    m->account, detail);
    }
}

static json_t *
misses_json(const RbDecision *decision, const RbAccount *only)
{
    json_t *list = json_array();

    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        if (is_wanted(only, m->account))
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s, s:s}", "role", m->role, "account", m->account,
                                            "code", rb_outcomes()[m->code - 1].id, "detail", m->detail));
    }
    return list;
}

static int
show(const Asked *asked, RbSnapshot *snapshot, const RbDecision *decision)
{
    const RbReviewLook look = { .colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL,
                                .full = asked->full };
    const RbAccount *only = asked->account == NULL ? NULL : rb_snapshot_account(snapshot, asked->account);
    g_autoptr(RbReview) holdings = rb_holdings_new(snapshot, decision, asked->account);
    g_autofree char *text = NULL;
    gboolean some = FALSE;

    for (guint i = 0; i < decision->n_grants; i++)
        some = some || is_wanted(only, decision->grants[i].account);
    if (asked->json) {
        json_t *json = rb_holdings_json(holdings);
        json_object_set_new(json, "refused", misses_json(decision, only));
        text = rb_command_print(json);
        g_print("%s", text);
    } else {
        text = rb_holdings_text(holdings, &look);
        g_print("%s%s", some ? "" : "They get no role.\n", text);
        print_misses(decision, only);
    }
    return some ? RB_EXIT_OK : RB_EXIT_NO;
}

static int
run(int argc, char **argv)
{
    g_auto(Asked) asked = { 0 };
    g_autoptr(GOptionContext) context = make_context(&asked);
    const RbClock clock = rb_clock_system();
    RbContext moment = { .now = rb_clock_now(&clock) };
    g_autoptr(RbSnapshot) snapshot = NULL;
    g_autoptr(RbIdentity) identity = NULL;
    g_autoptr(RbDecision) decision = NULL;
    RbPerson person;

    if (!rb_command_parse(context, argc, argv))
        return RB_EXIT_USAGE;
    if (asked.groups == NULL && asked.attributes == NULL)
        return rb_command_usage("what-can", "say who: --group, or --provider and --attribute", NULL, "");
    if (asked.at != NULL && !rb_time_parse(asked.at, &moment.now))
        return rb_command_usage("what-can", "--at ", asked.at,
                                " is not a time; write it like 2026-11-24T09:00:00Z");
    person = (RbPerson){ NULL, asked.provider, asked.groups, asked.attributes, !asked.no_mfa };
    identity = rb_person_identity("what-can", &person, moment.now);
    if (identity == NULL)
        return RB_EXIT_USAGE;
    snapshot = rb_command_load("what-can", asked.mappings, "nothing is told of it");
    if (snapshot == NULL)
        return RB_EXIT_FAULT;
    if (asked.account != NULL && rb_snapshot_account(snapshot, asked.account) == NULL)
        return rb_command_usage("what-can", "no account ", asked.account, "");
    moment.source_ip = asked.ip;
    decision = rb_decide(snapshot, identity, &moment);
    return show(&asked, snapshot, decision);
}

const RbCommand rb_command_what_can = { "what-can", "tells what members of a group may do", run };
