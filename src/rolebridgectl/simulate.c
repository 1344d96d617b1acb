#include "rolebridgectl/simulate.h"

#include "base/encoding.h"
#include "iam/catalogue.h"
#include "rolebridgectl/command.h"

#include <string.h>
#include <unistd.h>

void
rb_simulate_asked_clear(RbSimulateAsked *asked)
{
    g_free(asked->mappings);
    g_free(asked->role);
    g_free(asked->account);
    g_free(asked->action);
    g_free(asked->resource);
    g_free(asked->owner);
    g_free(asked->name);
    g_free(asked->session_policy);
    g_free(asked->boundary);
    g_free(asked->resource_policy);
    g_strfreev(asked->files);
    g_strfreev(asked->context);
    g_strfreev(asked->tags);
    g_strfreev(asked->scps);
    g_strfreev(asked->rcps);
}

static void
add_policies(GOptionContext *context, RbSimulateAsked *a)
{
    const GOptionEntry options[] = {
        { "file", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &a->files,
          "an identity policy (JSON) instead of role and account; may be given again", "FILE" },
        { "session-policy", 0, 0, G_OPTION_ARG_FILENAME, &a->session_policy,
          "of the session, instead of the role's own", "FILE" },
        { "boundary", 0, 0, G_OPTION_ARG_FILENAME, &a->boundary, "the role's permissions boundary", "FILE" },
        { "scp", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->scps,
          "service control policy, a level of the organisation each", "FILE" },
        { "rcp", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->rcps, "resource control policy", "FILE" },
        { "resource-policy", 0, 0, G_OPTION_ARG_FILENAME, &a->resource_policy,
          "the bucket's, key's or queue's own", "FILE" },
        { "resource-account", 0, 0, G_OPTION_ARG_STRING, &a->owner,
          "whose the resource is, where its ARN does not say", "ID" },
        G_OPTION_ENTRY_NULL,
    };

    g_option_context_add_main_entries(context, options, NULL);
}

static GOptionContext *
make_context(RbSimulateAsked *a)
{
    const GOptionEntry options[] = {
        { "mappings", 'm', 0, G_OPTION_ARG_FILENAME, &a->mappings,
          "default: ./mappings, then /etc/rolebridge/mappings", "DIR" },
        { "role", 'r', 0, G_OPTION_ARG_STRING, &a->role, "the business role", "ROLE" },
        { "account", 'A', 0, G_OPTION_ARG_STRING, &a->account, "name or id", "ACCOUNT" },
        { "action", 'a', 0, G_OPTION_ARG_STRING, &a->action, "s3:GetObject", "ACTION" },
        { "resource", 'R', 0, G_OPTION_ARG_STRING, &a->resource, "its ARN; default: *", "ARN" },
        { "context", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &a->context,
          "a condition key of the request; KEY alone: it is not there", "KEY=VALUE" },
        { "tag", 't', 0, G_OPTION_ARG_STRING_ARRAY, &a->tags, "a session tag", "KEY=VALUE" },
        { "name", 'n', 0, G_OPTION_ARG_STRING, &a->name, "who: session name and source identity", "NAME" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &a->json, "the answer as JSON", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &a->verbose, "every condition key of the request", NULL },
        G_OPTION_ENTRY_NULL,
    };
    GOptionContext *context = rb_command_context(
        NULL, "Tells whether a role's session may do something, and the statement that says so.",
        "Examples:\n"
        "  rolebridgectl simulate -r data-scientist -A analytics-prod -a s3:GetObject -R "
        "arn:aws:s3:::acme-research-in/a.csv\n"
        "  rolebridgectl simulate -r tester -A development -a ec2:StopInstances \\\n"
        "      -R arn:aws:ec2:eu-central-1:444455556666:instance/i-1 -c aws:ResourceTag/environment=test\n"
        "  rolebridgectl simulate --file policy.json --action sqs:SendMessage --json\n\n"
        "--context and --tag may be given again: several values of one key make a list. An --scp without "
        "any\n"
        "Allow stands beside AWS's FullAWSAccess. Nothing is asked of AWS.\n\n"
        "Exit codes: 0 allowed; 1 not; 2 usage; 4 not known: a policy's document is not in the mapping, or "
        "it\n"
        "could not be told.\n");

    g_option_context_add_main_entries(context, options, NULL);
    add_policies(context, a);
    return context;
}

static gboolean
complain(const char *message)
{
    g_printerr("rolebridgectl simulate: %s\nTry: rolebridgectl simulate --help\n", message);
    return FALSE;
}

/* An action that the catalogue does not have may be younger than the catalogue. */
static gboolean
check_action(const char *action)
{
    g_autofree char *quoted = rb_text_quote(action);
    const char *near;

    if (strpbrk(action, "*?") || !strchr(action, ':')) {
        g_autofree char *message = g_strdup_printf("%s is not one action, such as s3:GetObject", quoted);

        return complain(message);
    }
    if (rb_catalogue_action(action))
        return TRUE;
    near = rb_catalogue_nearest(action);
    g_printerr("warning: %s is not an action of the catalogue (%s)%s%s%s\n", quoted, rb_catalogue_version(),
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return TRUE;
}

static gboolean
pairs_are_whole(char **pairs, const char *option, gboolean key_alone)
{
    for (char **pair = pairs; pair && *pair; pair++) {
        if (**pair == '=' || **pair == '\0' || (!key_alone && !strchr(*pair, '='))) {
            g_autofree char *quoted = rb_text_quote(*pair);
            g_autofree char *message = g_strdup_printf("%s %s must be KEY=VALUE", option, quoted);

            return complain(message);
        }
    }
    return TRUE;
}

static gboolean
check_asked(const RbSimulateAsked *a)
{
    if (!a->action)
        return complain("say what with --action");
    if (a->files && (a->role || a->account || a->mappings))
        return complain("--file is instead of --role, --account and --mappings");
    if (!a->files && (!a->role || !a->account))
        return complain("say who with --role and --account, or with --file");
    return check_action(a->action) && pairs_are_whole(a->context, "--context", TRUE) &&
           pairs_are_whole(a->tags, "--tag", FALSE);
}

static int
exit_code(RbSimulated outcome)
{
    static const int codes[] = {
        [RB_SIMULATED_ALLOWED] = RB_EXIT_OK,
        [RB_SIMULATED_DENIED] = RB_EXIT_NO,
        [RB_SIMULATED_NOT_ALLOWED] = RB_EXIT_NO,
        [RB_SIMULATED_NOT_KNOWN] = RB_EXIT_FAULT,
    };

    return codes[outcome];
}

/* What an unknown policy could change: it is put in its place as one that allows everything. If that does not
 * help, the answer is no whatever the policy says. */
RbSimulated
rb_simulate(const RbSimulation *simulation, RbVerdict *verdict)
{
    static const RbPolicyText any = { "*", { "", 0, 0 } };
    static const RbPolicyStatement everything = { .allow = TRUE,
                                                  .actions = { &any, 1 },
                                                  .resources = { &any, 1 } };
    static const RbPolicy unknown = { .kind = RB_POLICY_IDENTITY,
                                      .statements = &everything,
                                      .n_statements = 1 };
    RbPolicySets sets = {
        .identity = { (const RbPolicy *const *)simulation->identity->pdata, simulation->identity->len },
        .session = { (const RbPolicy *const *)simulation->sessions->pdata, simulation->sessions->len },
        .boundary = { (const RbPolicy *const *)simulation->boundaries->pdata, simulation->boundaries->len },
        .resource_control = { (const RbPolicy *const *)simulation->rcps->pdata, simulation->rcps->len },
        .service_control = (const RbPolicies *)(const void *)simulation->service_control->data,
        .n_service_control = simulation->service_control->len,
        .resource = simulation->resource,
    };
    const RbPolicy *stand_in = &unknown;
    RbVerdict with_unknown;

    rb_evaluate(&sets, &simulation->request, verdict);
    if (verdict->outcome == RB_OUTCOME_ALLOWED)
        return RB_SIMULATED_ALLOWED;
    if (verdict->outcome == RB_OUTCOME_DENIED)
        return RB_SIMULATED_DENIED;
    if (!simulation->unknown->len)
        return RB_SIMULATED_NOT_ALLOWED;
    sets.identity = (RbPolicies){ &stand_in, 1 };
    rb_evaluate(&sets, &simulation->request, &with_unknown);
    if (with_unknown.outcome == RB_OUTCOME_ALLOWED)
        return RB_SIMULATED_NOT_KNOWN;
    *verdict = with_unknown;
    return RB_SIMULATED_NOT_ALLOWED;
}

static int
run(int argc, char **argv)
{
    g_auto(RbSimulateAsked) asked = { 0 };
    g_autoptr(GOptionContext) options = make_context(&asked);
    g_auto(RbSimulation) simulation = { 0 };
    RbVerdict verdict;
    RbSimulated outcome;
    int code;

    if (!rb_command_parse(options, argc, argv) || !check_asked(&asked))
        return RB_EXIT_USAGE;
    code = rb_simulation_begin(&simulation, &asked);
    if (code != RB_EXIT_OK)
        return code;
    outcome = rb_simulate(&simulation, &verdict);
    if (asked.json) {
        g_autofree char *text = rb_command_print(rb_simulation_json(&simulation, outcome, &verdict));

        g_print("%s", text);
    } else {
        rb_simulation_print(&simulation, outcome, &verdict,
                            isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL);
    }
    return exit_code(outcome);
}

const RbCommand rb_command_simulate = { "simulate", "tells whether a role may do something, and why", run };
