#include "policies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define A "111122223333"
#define B "444455556666"
#define ROLE "arn:aws:iam::" A ":role/rolebridge/data-scientist"
#define SESSION "arn:aws:sts::" A ":assumed-role/data-scientist/ada"
#define USER "arn:aws:iam::" A ":user/ada"
#define IDP "arn:aws:iam::" A ":saml-provider/bridge"

/* One statement each: "Effect Action Resource [Condition]", as JSON values. */
#define DOC(statements) "{'Version':'2012-10-17','Statement':[" statements "]}"
#define DOC2(a, b) DOC(a "," b)
#define DOC3(a, b, c) DOC(a "," b "," c)
#define ALLOW(action, resource) "{'Effect':'Allow','Action':" action ",'Resource':" resource "}"
#define DENY(action, resource) "{'Effect':'Deny','Action':" action ",'Resource':" resource "}"
#define ALLOW_IF(action, condition)                                                                          \
    "{'Effect':'Allow','Action':" action ",'Resource':'*','Condition':" condition "}"
#define ALLOW_TO(principal, action)                                                                          \
    "{'Effect':'Allow','Principal':" principal ",'Action':" action ",'Resource':'*'}"
#define DENY_TO(principal, action)                                                                           \
    "{'Effect':'Deny','Principal':" principal ",'Action':" action ",'Resource':'*'}"
#define TRUST(principal, action) "{'Effect':'Allow','Principal':" principal ",'Action':" action "}"
#define EVERYTHING DOC(ALLOW("'*'", "'*'"))
#define READ DOC(ALLOW("'s3:Get*'", "'arn:aws:s3:::in/*'"))

enum { NONE = -1 };

/* What is there, whom it concerns, and what comes out. Statement: index in the document that decided. */
typedef struct {
    const char *name;
    const char *identity, *boundary, *session_policy, *scp, *scp_below, *rcp, *resource_policy, *trust;
    const char *principal, *session, *federated, *service, *action, *resource, *owner, *context;
    RbVerdictOutcome want;
    RbPolicyKind kind;
    int statement;
    const char *missed; /* key of the condition that did not hold */
} Row;

#define IN "arn:aws:s3:::in/a.csv"
#define BY_SESSION .principal = ROLE, .session = SESSION
#define ASKS .action = "s3:GetObject", .resource = IN
#define ALLOWED RB_OUTCOME_ALLOWED
#define DENIED RB_OUTCOME_DENIED
#define NOT RB_OUTCOME_NOT_ALLOWED

/* clang-format off */
static const Row rows[] = {
    { "identity allows", READ, BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "nothing is there", NULL, BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "another action", READ, BY_SESSION, .action = "s3:PutObject", .resource = IN, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "another resource", READ, BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:::out/a", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "the second statement", DOC2(ALLOW("'ec2:*'", "'*'"), ALLOW("['a:B','S3:getobject']", "['arn:aws:s3:::x','arn:aws:s3:::in/?.csv']")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 1 },
    { "deny behind allow", DOC2(ALLOW("'*'", "'*'"), DENY("'s3:*'", "'arn:aws:s3:::in/*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_IDENTITY, .statement = 1 },
    { "NotAction allows", DOC("{'Effect':'Allow','NotAction':'iam:*','Resource':'*'}"), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "NotAction leaves out", DOC("{'Effect':'Allow','NotAction':['iam:*','s3:g*'],'Resource':'*'}"), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "NotResource allows", DOC("{'Effect':'Allow','Action':'*','NotResource':'arn:aws:s3:::out/*'}"), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "NotResource leaves out", DOC("{'Effect':'Allow','Action':'*','NotResource':'arn:aws:s3:::in/*'}"), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "deny NotAction", DOC2(ALLOW("'*'", "'*'"), "{'Effect':'Deny','NotAction':'s3:Put*','Resource':'*'}"), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_IDENTITY, .statement = 1 },
    { "an action without a resource", DOC(ALLOW("'s3:ListAllMyBuckets'", "'*'")), BY_SESSION, .action = "s3:ListAllMyBuckets", .resource = "*", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "no resource, a pattern", DOC(ALLOW("'s3:*'", "'arn:aws:s3:::*'")), BY_SESSION, .action = "s3:ListAllMyBuckets", .resource = "*", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "a short ARN in an allow", DOC(ALLOW("'*'", "'arn:aws:s3:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },

    { "variable in a resource", DOC(ALLOW("'*'", "'arn:aws:s3:::in/${aws:PrincipalTag/team}/*'")), BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:::in/red/x", .context = "aws:PrincipalTag/team=red", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "a value is no wildcard", DOC(ALLOW("'*'", "'arn:aws:s3:::in/${aws:PrincipalTag/team}/*'")), BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:::in/red/x", .context = "aws:PrincipalTag/team=*", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "a variable before the fifth colon", DOC(ALLOW("'*'", "'arn:aws:s3:${aws:RequestedRegion}::in/*'")), BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:eu-central-1::in/x", .context = "aws:RequestedRegion=eu-central-1", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "no value", DOC(ALLOW("'*'", "'arn:aws:s3:::in/${aws:PrincipalTag/team}/*'")), BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:::in/red/x", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "a deny without a value", DOC2(ALLOW("'*'", "'*'"), DENY("'*'", "'arn:aws:s3:::in/${aws:PrincipalTag/team}/*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "no version, no variables", "{'Statement':[" ALLOW("'*'", "'arn:aws:s3:::in/${aws:username}'") "]}", BY_SESSION, .action = "s3:GetObject", .resource = "arn:aws:s3:::in/ada", .context = "aws:username=ada", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },

    { "a condition holds", DOC(ALLOW_IF("'s3:*'", "{'Bool':{'aws:SecureTransport':'true'}}")), BY_SESSION, ASKS, .context = "aws:SecureTransport=true", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "a condition is missed", DOC(ALLOW_IF("'s3:*'", "{'Bool':{'aws:SecureTransport':'true'}}")), BY_SESSION, ASKS, .context = "aws:SecureTransport=false", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE, .missed = "aws:SecureTransport" },
    { "the nearest misses least", DOC3(ALLOW_IF("'s3:*'", "{'StringEquals':{'a:x':'1','a:y':'1'}}"), ALLOW_IF("'s3:*'", "{'StringEquals':{'a:z':'1','a:v':'1'}}"), ALLOW_IF("'ec2:*'", "{'StringEquals':{'a:w':'1'}}")), BY_SESSION, ASKS, .context = "a:v=1", .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE, .missed = "a:z" },
    { "of two as near, the first", DOC2(ALLOW_IF("'s3:*'", "{'StringEquals':{'a:x':'1'}}"), ALLOW_IF("'s3:*'", "{'StringEquals':{'a:y':'1'}}")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE, .missed = "a:x" },
    { "a deny's condition does not hold", DOC2(ALLOW("'*'", "'*'"), "{'Effect':'Deny','Action':'*','Resource':'*','Condition':{'StringNotEquals':{'aws:RequestedRegion':'eu-central-1'}}}"), BY_SESSION, ASKS, .context = "aws:RequestedRegion=eu-central-1", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },

    { "boundary allows", EVERYTHING, .boundary = READ, BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "boundary does not allow", EVERYTHING, .boundary = READ, BY_SESSION, .action = "s3:PutObject", .resource = IN, .want = NOT, .kind = RB_POLICY_BOUNDARY, .statement = NONE },
    { "boundary alone grants nothing", DOC(ALLOW("'ec2:*'", "'*'")), .boundary = EVERYTHING, BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "boundary denies", EVERYTHING, .boundary = DOC2(ALLOW("'*'", "'*'"), DENY("'s3:*'", "'*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_BOUNDARY, .statement = 1 },
    { "session policy does not allow", EVERYTHING, .session_policy = DOC(ALLOW("'ec2:*'", "'*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_SESSION, .statement = NONE },
    { "session policy denies", EVERYTHING, .session_policy = DOC(DENY("'s3:*'", "'*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_SESSION, .statement = 0 },
    { "scp does not allow", EVERYTHING, .scp = DOC(ALLOW("'ec2:*'", "'*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_SERVICE_CONTROL, .statement = NONE },
    { "each level must allow", EVERYTHING, .scp = EVERYTHING, .scp_below = DOC(ALLOW("'ec2:*'", "'*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_SERVICE_CONTROL, .statement = NONE },
    { "both levels allow", EVERYTHING, .scp = EVERYTHING, .scp_below = READ, BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "scp denies first of all", DOC(DENY("'*'", "'*'")), .scp = DOC2(ALLOW("'*'", "'*'"), DENY("'s3:*'", "'*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_SERVICE_CONTROL, .statement = 1 },
    { "rcp denies", EVERYTHING, .rcp = DOC(DENY_TO("'*'", "'s3:*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_RESOURCE_CONTROL, .statement = 0 },
    { "an rcp of other denies is no limit", EVERYTHING, .rcp = DOC(DENY_TO("'*'", "'sqs:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },

    { "bucket names the session", NULL, .boundary = DOC(ALLOW("'ec2:*'", "'*'")), .session_policy = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("{'AWS':'" SESSION "'}", "'s3:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "bucket names everybody", NULL, .session_policy = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("'*'", "'s3:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "bucket names the role", NULL, .resource_policy = DOC(ALLOW_TO("{'AWS':'" ROLE "'}", "'s3:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "bucket names the role, boundary cuts", NULL, .boundary = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("{'AWS':'" ROLE "'}", "'s3:*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_BOUNDARY, .statement = NONE },
    { "bucket names the role, session policy cuts", NULL, .session_policy = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("{'AWS':'" ROLE "'}", "'s3:*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_SESSION, .statement = NONE },
    { "bucket names the account", NULL, .resource_policy = DOC(ALLOW_TO("{'AWS':'" A "'}", "'s3:*'")), BY_SESSION, ASKS, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "bucket names the account, identity allows", READ, .resource_policy = DOC(ALLOW_TO("{'AWS':'arn:aws:iam::" A ":root'}", "'s3:*'")), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "bucket names the user", NULL, .boundary = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("{'AWS':'" USER "'}", "'s3:*'")), .principal = USER, ASKS, .want = ALLOWED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "bucket denies", EVERYTHING, .resource_policy = DOC(DENY_TO("'*'", "'s3:*'")), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "bucket denies all but the role", EVERYTHING, .resource_policy = DOC("{'Effect':'Deny','NotPrincipal':{'AWS':'" ROLE "'},'Action':'*','Resource':'*'}"), BY_SESSION, ASKS, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "bucket denies all but another", EVERYTHING, .resource_policy = DOC("{'Effect':'Deny','NotPrincipal':{'AWS':'" USER "'},'Action':'*','Resource':'*'}"), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "NotPrincipal denies whoever has a boundary", EVERYTHING, .boundary = EVERYTHING, .resource_policy = DOC("{'Effect':'Deny','NotPrincipal':{'AWS':'" ROLE "'},'Action':'*','Resource':'*'}"), BY_SESSION, ASKS, .want = DENIED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "another account, both", READ, .resource_policy = DOC(ALLOW_TO("{'AWS':'" A "'}", "'s3:*'")), BY_SESSION, ASKS, .owner = B, .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "another account, bucket alone", NULL, .resource_policy = DOC(ALLOW_TO("'*'", "'s3:*'")), BY_SESSION, ASKS, .owner = B, .want = NOT, .kind = RB_POLICY_IDENTITY, .statement = NONE },
    { "another account, identity alone", EVERYTHING, BY_SESSION, ASKS, .owner = B, .want = NOT, .kind = RB_POLICY_RESOURCE, .statement = NONE },
    { "another account by its ARN", EVERYTHING, BY_SESSION, .action = "sqs:SendMessage", .resource = "arn:aws:sqs:eu-central-1:" B ":q", .want = NOT, .kind = RB_POLICY_RESOURCE, .statement = NONE },
    { "another account, session policy cuts", READ, .session_policy = DOC(ALLOW("'ec2:*'", "'*'")), .resource_policy = DOC(ALLOW_TO("{'AWS':'" SESSION "'}", "'s3:*'")), BY_SESSION, ASKS, .owner = B, .want = NOT, .kind = RB_POLICY_SESSION, .statement = NONE },
    { "nobody, an open bucket", NULL, .resource_policy = DOC(ALLOW_TO("'*'", "'s3:*'")), .principal = "", ASKS, .owner = A, .want = ALLOWED, .kind = RB_POLICY_RESOURCE, .statement = 0 },
    { "nobody, a bucket of the account", NULL, .resource_policy = DOC(ALLOW_TO("{'AWS':'" A "'}", "'s3:*'")), .principal = "", ASKS, .owner = A, .want = NOT, .kind = RB_POLICY_RESOURCE, .statement = NONE },
    { "nobody, no bucket policy", EVERYTHING, .principal = "", ASKS, .owner = A, .want = NOT, .kind = RB_POLICY_RESOURCE, .statement = NONE },
    { "a key's policy must allow", EVERYTHING, .resource_policy = DOC(ALLOW_TO("{'AWS':'" USER "'}", "'kms:*'")), BY_SESSION, .action = "kms:Decrypt", .resource = "arn:aws:kms:eu-central-1:" A ":key/k", .want = NOT, .kind = RB_POLICY_RESOURCE, .statement = NONE },
    { "a key's policy leaves it to the account", EVERYTHING, .resource_policy = DOC(ALLOW_TO("{'AWS':'" A "'}", "'kms:*'")), BY_SESSION, .action = "kms:Decrypt", .resource = "arn:aws:kms:eu-central-1:" A ":key/k", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },

    { "trust by SAML", NULL, .trust = DOC("{'Effect':'Allow','Principal':{'Federated':'" IDP "'},'Action':['sts:AssumeRoleWithSAML','sts:TagSession'],'Condition':{'StringEquals':{'SAML:aud':'https://signin.aws.amazon.com/saml'}}}"), .federated = IDP, .principal = "", .action = "sts:AssumeRoleWithSAML", .resource = ROLE, .context = "saml:aud=https://signin.aws.amazon.com/saml", .want = ALLOWED, .kind = RB_POLICY_TRUST, .statement = 0 },
    { "trust by SAML, wrong audience", NULL, .trust = DOC("{'Effect':'Allow','Principal':{'Federated':'" IDP "'},'Action':'sts:AssumeRoleWithSAML','Condition':{'StringEquals':{'SAML:aud':'https://signin.aws.amazon.com/saml'}}}"), .federated = IDP, .principal = "", .action = "sts:AssumeRoleWithSAML", .resource = ROLE, .context = "saml:aud=x", .want = NOT, .kind = RB_POLICY_TRUST, .statement = NONE, .missed = "SAML:aud" },
    { "trust by SAML, another provider", NULL, .trust = DOC(TRUST("{'Federated':'" IDP "'}", "'sts:AssumeRoleWithSAML'")), .federated = "arn:aws:iam::" A ":saml-provider/other", .principal = "", .action = "sts:AssumeRoleWithSAML", .resource = ROLE, .want = NOT, .kind = RB_POLICY_TRUST, .statement = NONE },
    { "trust by SAML, an rcp denies", NULL, .rcp = DOC("{'Effect':'Deny','Principal':'*','Action':'sts:*','Resource':'*','Condition':{'StringNotEqualsIfExists':{'aws:PrincipalOrgID':'o-1'}}}"), .trust = DOC(TRUST("{'Federated':'" IDP "'}", "'sts:AssumeRoleWithSAML'")), .federated = IDP, .principal = "", .action = "sts:AssumeRoleWithSAML", .resource = ROLE, .want = DENIED, .kind = RB_POLICY_RESOURCE_CONTROL, .statement = 0 },
    { "trust of a service", NULL, .trust = DOC(TRUST("{'Service':['ec2.amazonaws.com','lambda.amazonaws.com']}", "'sts:AssumeRole'")), .service = "lambda.amazonaws.com", .principal = "", .action = "sts:AssumeRole", .resource = ROLE, .want = ALLOWED, .kind = RB_POLICY_TRUST, .statement = 0 },
    { "trust of nobody's service", NULL, .trust = DOC(TRUST("{'Service':'ec2.amazonaws.com'}", "'sts:AssumeRole'")), .service = "lambda.amazonaws.com", .principal = "", .action = "sts:AssumeRole", .resource = ROLE, .want = NOT, .kind = RB_POLICY_TRUST, .statement = NONE },
    { "trust must allow in the same account too", EVERYTHING, .trust = DOC(TRUST("{'AWS':'" USER "'}", "'sts:AssumeRole'")), BY_SESSION, .action = "sts:AssumeRole", .resource = "arn:aws:iam::" A ":role/other", .want = NOT, .kind = RB_POLICY_TRUST, .statement = NONE },
    { "trust of the account leaves it to identity", EVERYTHING, .trust = DOC(TRUST("{'AWS':'" A "'}", "'sts:AssumeRole'")), BY_SESSION, .action = "sts:AssumeRole", .resource = "arn:aws:iam::" A ":role/other", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "trust of another account", EVERYTHING, .trust = DOC(TRUST("{'AWS':'" ROLE "'}", "'sts:AssumeRole'")), BY_SESSION, .action = "sts:AssumeRole", .resource = "arn:aws:iam::" B ":role/other", .want = ALLOWED, .kind = RB_POLICY_IDENTITY, .statement = 0 },
    { "an SCP does not bind who has no account", NULL, .scp = DOC(DENY("'*'", "'*'")), .trust = DOC(TRUST("{'Federated':'" IDP "'}", "'sts:AssumeRoleWithSAML'")), .federated = IDP, .principal = "", .action = "sts:AssumeRoleWithSAML", .resource = ROLE, .want = ALLOWED, .kind = RB_POLICY_TRUST, .statement = 0 },
};
/* clang-format on */

/* The documents of one row, and the sets over them. */
typedef struct {
    RbPolicy *all[8];
    RbPolicies scps[2];
    RbPolicySets sets;
} Documents;

static RbPolicies
one(Documents *documents, guint slot, RbPolicyKind kind, const char *text)
{
    if (!text)
        return (RbPolicies){ 0 };
    documents->all[slot] = policy_of(kind, rb_policy_kind_name(kind), text);
    return (RbPolicies){ (const RbPolicy *const *)&documents->all[slot], 1 };
}

static void
documents_read(Documents *documents, const Row *row)
{
    RbPolicySets *sets = &documents->sets;

    *documents = (Documents){ 0 };
    sets->identity = one(documents, 0, RB_POLICY_IDENTITY, row->identity);
    sets->boundary = one(documents, 1, RB_POLICY_BOUNDARY, row->boundary);
    sets->session = one(documents, 2, RB_POLICY_SESSION, row->session_policy);
    documents->scps[0] = one(documents, 3, RB_POLICY_SERVICE_CONTROL, row->scp);
    documents->scps[1] = one(documents, 4, RB_POLICY_SERVICE_CONTROL, row->scp_below);
    sets->service_control = documents->scps;
    sets->n_service_control = (row->scp != NULL) + (row->scp_below != NULL);
    sets->resource_control = one(documents, 5, RB_POLICY_RESOURCE_CONTROL, row->rcp);
    (void)one(documents, 6, RB_POLICY_RESOURCE, row->resource_policy);
    (void)one(documents, 7, RB_POLICY_TRUST, row->trust);
    sets->resource = documents->all[6] ? documents->all[6] : documents->all[7];
}

static gboolean
is_as_wanted(const RbVerdict *got, const Row *row)
{
    int statement = got->policy ? (int)(got->statement - got->policy->statements) : NONE;
    const char *missed = got->missed ? got->missed->key.text : NULL;

    if (got->outcome == row->want && got->kind == row->kind && statement == row->statement &&
        (!got->near == !got->missed) && g_strcmp0(missed, row->missed) == 0)
        return TRUE;
    print_error("%s: got %d by %s, statement %d, missed %s\n", row->name, (int)got->outcome,
                rb_policy_kind_name(got->kind), statement, missed ? missed : "nothing");
    return FALSE;
}

static void
requests_are_decided_in_the_reference_s_order(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];
        g_autoptr(RbRequestContext) context = context_of(row->context ? row->context : "");
        RbRequest request = { .principal = row->principal,
                              .session = row->session,
                              .federated = row->federated,
                              .service = row->service,
                              .action = row->action,
                              .resource = row->resource,
                              .resource_account = row->owner,
                              .context = context };
        Documents documents;
        RbVerdict verdict;

        documents_read(&documents, row);
        rb_evaluate(&documents.sets, &request, &verdict);
        failed += !is_as_wanted(&verdict, row);
        for (gsize j = 0; j < G_N_ELEMENTS(documents.all); j++)
            rb_policy_unref(documents.all[j]);
    }
    assert_int_equal(failed, 0);
}

/* Where the documentation leaves it open, an Allow is read widely and a Deny narrowly: what we call safe is.
 */
static void
open_questions_are_answered_on_the_safe_side(void **state)
{
    static const char *const patterns[] = { "'Action':'s3:*','Resource':'arn:aws:s3:*'",
                                            "'Action':'s*:Get*','Resource':'*'",
                                            "'Action':'*:*','Resource':'*'",
                                            "'Action':'*','NotResource':'arn:aws:s3:*'",
                                            "'NotAction':'s*:Get*','Resource':'*'" };
    const RbRequest request = { .principal = ROLE, .action = "s3:GetObject", .resource = IN };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autofree char *allow = g_strdup_printf("{'Statement':[{'Effect':'Allow',%s}]}", patterns[i]);
        g_autofree char *deny = g_strdup_printf("{'Statement':[{'Effect':'Deny',%s}]}", patterns[i]);
        g_autoptr(RbPolicy) yes = policy_of(RB_POLICY_IDENTITY, "allow.json", allow);
        g_autoptr(RbPolicy) no = policy_of(RB_POLICY_IDENTITY, "deny.json", deny);

        assert_true(rb_statement_applies(yes, &yes->statements[0], &request));
        assert_false(rb_statement_applies(no, &no->statements[0], &request));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_decided_in_the_reference_s_order),
        cmocka_unit_test(open_questions_are_answered_on_the_safe_side),
    };

    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL);
}
