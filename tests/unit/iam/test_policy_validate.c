/* Findings on policies that can be read: each row is one statement and all that is said of it. */
#include "iam/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID RB_POLICY_IDENTITY
#define TRUST RB_POLICY_TRUST
#define RES RB_POLICY_RESOURCE
#define RCP RB_POLICY_RESOURCE_CONTROL

/* Effect on line 2, action on line 3, resource (or principal) on line 4, condition on line 5. */
#define ON(action, resource) "'Effect':'Allow',\n'Action':" action ",\n'Resource':" resource
#define GET "'s3:GetObject'"
#define IF(condition) ON(GET, "'*'") ",\n'Condition':{" condition "}"
#define WHO(action, principal) "'Effect':'Allow',\n'Action':" action ",\n'Principal':" principal
#define OIDC(host) "{'Federated':'arn:aws:iam::111122223333:oidc-provider/" host "'}"
#define SAML "{'Federated':'arn:aws:iam::111122223333:saml-provider/corp'}"
#define GITHUB "token.actions.githubusercontent.com"
#define BUCKET(principal) WHO(GET, principal) ",\n'Resource':'arn:aws:s3:::b/*'"

/* clang-format off */
static const struct {
    const char *name;
    RbPolicyKind kind;
    const char *statement; /* ' stands for ", and ` for ' */
    const char *want;      /* each finding: severity, code, line:column */
} rows[] = {
    { "fine", ID, ON("['s3:GetObject','s3:List*']", "['arn:aws:s3:::b','arn:aws:s3:::b/*']"), "" },
    /* actions */
    { "no such action", ID, ON("'s3:GetObjct'", "'*'"), "error INVALID_ACTION 3:10" },
    { "wildcard that holds none", ID, ON("['s3:Gat*']", "'*'"), "error INVALID_ACTION 3:11" },
    { "no such service", ID, ON("'s33:GetObject'", "'*'"), "error INVALID_SERVICE_IN_ACTION 3:10" },
    { "wildcard in the service", ID, ON("'s*:Get*'", "'*'"), "suggestion WILDCARD_IN_SERVICE_NAME 3:10" },
    { "case of an action", ID, ON("'S3:getobject'", "'*'"), "" },
    { "covered action", ID, ON("['s3:GetObject','s3:Get*']", "'*'"), "suggestion REDUNDANT_ACTION 3:11" },
    { "action twice, in two cases", ID, ON("['s3:GetObject','s3:getobject']", "'*'"), "suggestion REDUNDANT_ACTION 3:26" },
    { "pass any role", ID, ON("'iam:PassRole'", "'*'"), "security warning PASS_ROLE_WITH_STAR_IN_RESOURCE 3:10" },
    { "pass any role of an account", ID, ON("'iam:PassRole'", "'arn:aws:iam::111122223333:role/*'"), "security warning PASS_ROLE_WITH_STAR_IN_RESOURCE 3:10" },
    { "pass roles of one name", ID, ON("'iam:PassRole'", "'arn:aws:iam::*:role/emr-*'"), "" },
    { "pass any role to one service", ID, ON("'iam:PassRole'", "'*'") ",\n'Condition':{'StringEquals':{'iam:PassedToService':'ec2.amazonaws.com'}}", "" },
    { "pass with a star", ID, ON("'iam:*'", "'*'"), "security warning PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE 3:10, warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE 3:10" },
    { "everything", ID, ON("'*'", "'*'"), "security warning PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE 3:10, warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE 3:10" },
    { "deny everything", ID, "'Effect':'Deny','Action':'*','Resource':'*'", "" },
    { "all but, on everything", ID, "'Effect':'Allow',\n'NotAction':'s3:*',\n'Resource':'*'", "security warning PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION 1:39, warning CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION 1:39" },
    { "all but iam", ID, "'Effect':'Allow',\n'NotAction':'iam:*',\n'Resource':'*'", "" },
    { "pass on all but", ID, "'Effect':'Allow',\n'Action':'iam:PassRole',\n'NotResource':'arn:aws:iam::*:role/admin'", "security warning PASS_ROLE_WITH_NOT_RESOURCE 3:10" },
    { "star on all but", ID, "'Effect':'Allow',\n'Action':'iam:Pass*',\n'NotResource':'arn:aws:iam::*:role/admin'", "security warning PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE 3:10" },
    { "all but on all but", ID, "'Effect':'Allow',\n'NotAction':['iam:Create*'],\n'NotResource':'arn:aws:iam::*:role/admin'", "security warning PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE 1:39" },
    { "service-linked role", ID, ON("'iam:CreateServiceLinkedRole'", "'*'"), "warning CREATE_SLR_WITH_STAR_IN_RESOURCE 3:10" },
    { "service-linked role of one service", ID, ON("'iam:CreateServiceLinkedRole'", "'*'") ",\n'Condition':{'StringEquals':{'iam:AWSServiceName':'ecs.amazonaws.com'}}", "" },
    /* resources */
    { "too few fields", ID, ON(GET, "'arn:aws:s3:bucket'"), "error MISSING_ARN_FIELD 4:12" },
    { "partition", ID, ON(GET, "'arn:asw:s3:::b'"), "error INVALID_PARTITION 4:12" },
    { "any partition", ID, ON(GET, "'arn:*:s3:::b'"), "" },
    { "service of an ARN", ID, ON("'ec2:RunInstances'", "'arn:aws:ecc2:*:*:instance/*'"), "error INVALID_SERVICE 4:12" },
    { "service in upper case", ID, ON(GET, "'arn:aws:S3:::b'"), "error INVALID_ARN_SERVICE_CASE 4:12" },
    { "no Region", ID, ON("'ec2:RunInstances'", "'arn:aws:ec2:Frankfurt:*:instance/*'"), "error INVALID_ARN_REGION 4:12" },
    { "Region missing", ID, ON("'sqs:SendMessage'", "'arn:aws:sqs::111122223333:q'"), "error MISSING_ARN_REGION 4:12" },
    { "Region too many", ID, ON("'iam:GetRole'", "'arn:aws:iam:eu-central-1:111122223333:role/a'"), "error ARN_REGION_NOT_ALLOWED 4:12" },
    { "account", ID, ON("'iam:GetRole'", "'arn:aws:iam::11112222333:role/a'"), "error INVALID_ARN_ACCOUNT 4:12" },
    { "account too many", ID, ON(GET, "'arn:aws:s3::111122223333:b/k'"), "error ARN_ACCOUNT_NOT_ALLOWED 4:12" },
    { "account of an access point", ID, ON(GET, "'arn:aws:s3:eu-central-1:111122223333:accesspoint/a/object/k'"), "" },
    { "AWS's own policies", ID, ON("'iam:GetPolicy'", "'arn:aws:iam::aws:policy/ReadOnlyAccess'"), "" },
    { "no such resource", ID, ON("'iam:GetRole'", "'arn:aws:iam::111122223333:rolle/a'"), "warning INVALID_ARN_RESOURCE 4:12" },
    { "covered resource", ID, ON(GET, "['arn:aws:s3:::b/*','arn:aws:s3:::b/k']"), "suggestion REDUNDANT_RESOURCE 4:32" },
    { "the same resource three times", ID, ON(GET, "['arn:aws:s3:::b/*',\n'arn:aws:s3:::b/*',\n'arn:aws:s3:::b/*']"), "suggestion REDUNDANT_RESOURCE 5:1, suggestion REDUNDANT_RESOURCE 6:1" },
    /* variables */
    { "variable", ID, ON(GET, "'arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, `none`}${*}'"), "" },
    { "no brace", ID, ON(GET, "'arn:aws:s3:::b/${aws:username'"), "error MISSING_BRACE_IN_VARIABLE 4:12" },
    { "empty variable", ID, ON(GET, "'arn:aws:s3:::b/${}'"), "error EMPTY_VARIABLE 4:12" },
    { "space", ID, ON(GET, "'arn:aws:s3:::b/${aws: username}'"), "error UNSUPPORTED_SPACE_IN_VARIABLE 4:12" },
    { "one quote", ID, ON(GET, "'arn:aws:s3:::b/${aws:username, `x}'"), "error MISSING_QUOTE_IN_VARIABLE 4:12" },
    { "brace in a default", ID, ON(GET, "'arn:aws:s3:::b/${aws:username, `}`}'"), "" },
    { "no such key", ID, ON(GET, "'arn:aws:s3:::b/${aws:user}'"), "error INVALID_GLOBAL_CONDITION_KEY 4:12" },
    { "in the account", ID, ON("'iam:GetRole'", "'arn:aws:iam::${aws:PrincipalAccount}:role/a'"), "error VARIABLE_UNSUPPORTED_IN_ELEMENT 4:12" },
    { "for a number", ID, IF("'NumericLessThan':{'aws:MultiFactorAuthAge':'${aws:username}'}"), "error INVALID_VARIABLE_FOR_OPERATOR 5:58" },
    { "in a key", ID, IF("'StringEquals':{'s3:ExistingObjectTag/${aws:username}':'a'}"), "error VARIABLE_UNSUPPORTED_IN_ELEMENT 5:30" },
    /* condition keys */
    { "no key", ID, IF("'StringEquals':{'team':'a'}"), "error INVALID_CONDITION_KEY_FORMAT 5:30" },
    { "no global key", ID, IF("'StringEquals':{'aws:PrincipalTeam':'a'}"), "error INVALID_GLOBAL_CONDITION_KEY 5:30" },
    { "no key of the service", ID, IF("'StringEquals':{'s3:prefiks':'a'}"), "error INVALID_SERVICE_CONDITION_KEY 5:30" },
    { "old key", ID, IF("'StringEquals':{'aws:SourceOwner':'111122223333'}"), "warning DEPRECATED_GLOBAL_CONDITION_KEY 5:30" },
    { "several values, no set", ID, IF("'StringEquals':{'aws:TagKeys':'a'}"), "error MISSING_QUALIFIER 5:14" },
    { "several values", ID, IF("'ForAnyValue:StringEquals':{'aws:TagKeys':'a'}"), "" },
    { "one value, all of them", ID, IF("'ForAllValues:StringEquals':{'aws:PrincipalTag/a':'b'}"), "security warning FORALLVALUES_WITH_SINGLE_VALUED_KEY 5:14" },
    { "null of all", ID, IF("'ForAllValues:Null':{'aws:TagKeys':'true'}"), "suggestion NULL_WITH_QUALIFIER 5:14" },
    { "audience of several", ID, IF("'ForAnyValue:StringEquals':{'bridge.acme.example:aud':'a'}"), "suggestion CONFIRM_AUDIENCE_CLAIM_TYPE 5:14" },
    { "private address alone", ID, IF("'IpAddress':{'aws:VpcSourceIp':'10.0.0.0/8'}"), "security warning MISSING_PAIRED_CONDITION_KEYS 5:27" },
    { "private address of a network", ID, IF("'IpAddress':{'aws:VpcSourceIp':'10.0.0.0/8'},'StringEquals':{'aws:SourceVpc':'vpc-0a1b2c3d'}"), "" },
    /* condition values */
    { "operator of another type", ID, IF("'NumericEquals':{'aws:PrincipalAccount':'1'}"), "warning TYPE_MISMATCH 5:14" },
    { "text on an ARN", ID, IF("'StringLike':{'aws:PrincipalArn':'arn:aws:iam::*:role/a'}"), "" },
    { "an ARN in a tag", ID, IF("'ArnLike':{'aws:RequestTag/awsApplication':'arn:aws:resource-groups:*:*:group/a'}"), "" },
    { "an ARN for a name", ID, IF("'ArnLike':{'aws:username':'arn:aws:iam::*:user/a'}"), "warning TYPE_MISMATCH 5:14" },
    { "a number for a date", ID, IF("'NumericLessThan':{'aws:EpochTime':1796032800}"), "" },
    { "no number", ID, IF("'NumericLessThan':{'aws:MultiFactorAuthAge':'1h'}"), "warning TYPE_MISMATCH_NUMBER 5:58" },
    { "no boolean", ID, IF("'Bool':{'aws:SecureTransport':'yes'}"), "warning TYPE_MISMATCH_BOOLEAN 5:44" },
    { "boolean", ID, IF("'Bool':{'aws:SecureTransport':true}"), "" },
    { "two booleans", ID, IF("'Bool':{'aws:SecureTransport':['true',\n'false']}"), "error INVALID_CONDITION_MULTIPLE_BOOLEAN 6:1" },
    { "no date", ID, IF("'DateLessThan':{'aws:CurrentTime':'tomorrow'}"), "warning TYPE_MISMATCH_DATE 5:48" },
    { "a year", ID, IF("'DateLessThan':{'aws:CurrentTime':'2026'}"), "warning INVALID_DATE_VALUE 5:48" },
    { "dates", ID, IF("'DateLessThan':{'aws:CurrentTime':['2026-11-24','2026-11-24T09:00:00Z','1796032800']}"), "" },
    { "no address", ID, IF("'IpAddress':{'aws:SourceIp':'203.0.113.0/33'}"), "warning TYPE_MISMATCH_IP_RANGE 5:42" },
    { "bits behind", ID, IF("'IpAddress':{'aws:SourceIp':'203.0.113.7/24'}"), "suggestion IMPROVE_IP_RANGE 5:42" },
    { "addresses", ID, IF("'IpAddress':{'aws:SourceIp':['203.0.113.0/24','2001:db8::/32','203.0.113.7']}"), "" },
    { "private addresses", ID, IF("'IpAddress':{'aws:SourceIp':['10.0.0.0/8','192.168.1.0/24','fd00::/8']}"), "error PRIVATE_IP_ADDRESS 5:43" },
    { "no private addresses", ID, IF("'NotIpAddress':{'aws:SourceIp':'172.16.0.0/12'}"), "error PRIVATE_NOT_IP_ADDRESS 5:45" },
    { "some private", ID, IF("'IpAddress':{'aws:SourceIp':['203.0.113.0/24','10.0.0.0/8']}"), "suggestion PRIVATE_IP_ADDRESS_SUBSET 5:43" },
    { "all of the internet", ID, IF("'NotIpAddress':{'aws:SourceIp':['203.0.113.0/24','10.0.0.0/8']}"), "suggestion PRIVATE_NOT_IP_ADDRESS_SUBSET 5:46" },
    { "wider than private", ID, IF("'IpAddress':{'aws:SourceIp':'8.0.0.0/6'}"), "" },
    { "star without like", ID, IF("'StringEquals':{'s3:prefix':'home/*'}"), "warning WILDCARD_WITHOUT_LIKE_OPERATOR 5:42" },
    { "star meant as such", ID, IF("'StringEquals':{'s3:prefix':'home/${*}'}"), "" },
    { "value twice", ID, IF("'StringEquals':{'s3:prefix':['a','a']}"), "suggestion REDUNDANT_CONDITION_VALUE 5:47" },
    { "covered value", ID, IF("'StringLike':{'s3:prefix':['a/b','a*']}"), "suggestion REDUNDANT_CONDITION_VALUE 5:41" },
    { "no base64", ID, IF("'BinaryEquals':{'acme:key':'!'}"), "warning TYPE_MISMATCH 5:41" },
    { "no ARN", ID, IF("'ArnLike':{'aws:PrincipalArn':'role/a'}"), "error INVALID_ARN_PREFIX 5:44" },
    { "empty condition", ID, ON(GET, "'*'") ",\n'Condition':{}", "suggestion EMPTY_OBJECT_CONDITION 5:13" },
    { "empty operator", ID, IF("'StringEquals':{}"), "suggestion EMPTY_OBJECT_CONDITION 5:29" },
    { "empty sid", ID, "'Sid':'',\n" ON(GET, "'*'"), "suggestion EMPTY_SID_VALUE 2:7" },
    /* principals */
    { "account", RES, BUCKET("{'AWS':['111122223333','arn:aws:iam::444455556666:role/path/a']}"), "" },
    { "account twice", RES, BUCKET("{'AWS':['111122223333','arn:aws:iam::111122223333:root']}"), "suggestion REDUNDANT_PRINCIPAL 4:36" },
    { "everybody", RES, BUCKET("'*'"), "" },
    { "wildcard in a principal", RES, BUCKET("{'AWS':'arn:aws:iam::111122223333:role/*'}"), "error UNSUPPORTED_WILDCARD_IN_PRINCIPAL 4:20" },
    { "no principal", RES, BUCKET("{'AWS':'ada'}"), "error INVALID_PRINCIPAL_FORMAT 4:20" },
    { "variable as a principal", RES, BUCKET("{'AWS':'${aws:PrincipalArn}'}"), "error VARIABLE_UNSUPPORTED_IN_ELEMENT 4:20" },
    { "role that is gone", RES, BUCKET("{'AWS':'AROAEXAMPLEIDOFAROLE1'}"), "warning INVALID_ROLE_REFERENCE 4:20" },
    { "user that is gone", RES, BUCKET("{'AWS':'AIDAEXAMPLEIDOFAUSER1'}"), "warning INVALID_USER_REFERENCE 4:20" },
    { "no service principal", RES, BUCKET("{'Service':'ec2'}") ",\n'Condition':{'StringEquals':{'aws:SourceAccount':'111122223333'}}", "error INVALID_SERVICE_PRINCIPAL_FORMAT 4:24" },
    { "service for anybody", RES, BUCKET("{'Service':'sns.amazonaws.com'}"), "security warning RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL 4:24" },
    { "service for an account", RES, BUCKET("{'Service':'sns.amazonaws.com'}") ",\n'Condition':{'StringEquals':{'aws:SourceAccount':'111122223333'}}", "" },
    { "federated at a bucket", RES, BUCKET(SAML), "error FEDERATED_PRINCIPAL_NOT_SUPPORTED 4:26" },
    { "canonical user", RES, BUCKET("{'CanonicalUser':'79a59d'}"), "error INVALID_PRINCIPAL_FORMAT 4:30" },
    { "all but one", RES, "'Effect':'Allow',\n'Action':" GET ",\n'NotPrincipal':{'AWS':'111122223333'},\n'Resource':'arn:aws:s3:::b/*'", "security warning ALLOW_WITH_NOT_PRINCIPAL 4:17" },
    { "rcp allows", RCP, "'Effect':'Allow',\n'Principal':'*','Action':" GET ",'Resource':'*'", "error RCP_SYNTAX_ERROR_ALLOW 1:39" },
    { "rcp for some", RCP, "'Effect':'Deny',\n'Principal':{'AWS':'111122223333'},'Action':" GET ",'Resource':'*'", "error RCP_SYNTAX_ERROR_PRINCIPAL 3:14" },
    { "rcp on all but", RCP, "'Effect':'Deny',\n'Principal':'*','NotAction':" GET ",'Resource':'*'", "error RCP_SYNTAX_ERROR_NOTACTION 1:39" },
    { "rcp for all but", RCP, "'Effect':'Deny',\n'NotPrincipal':'*','Action':" GET ",'Resource':'*'", "error RCP_SYNTAX_ERROR_NOTPRINCIPAL 3:16" },
    /* trust */
    { "bridge", TRUST, WHO("['sts:AssumeRoleWithWebIdentity','sts:TagSession','sts:SetSourceIdentity']", OIDC("bridge.acme.example")) ",\n'Condition':{'StringEquals':{'bridge.acme.example:aud':'sts.amazonaws.com'}}", "" },
    { "saml", TRUST, WHO("['sts:AssumeRoleWithSAML','sts:TagSession']", SAML) ",\n'Condition':{'StringEquals':{'saml:aud':'https://signin.aws.amazon.com/saml'}}", "" },
    { "saml assumes", TRUST, WHO("'sts:AssumeRole'", SAML), "error MISMATCHED_ACTION_FOR_PRINCIPAL 3:10" },
    { "saml with a token", TRUST, WHO("'sts:AssumeRoleWithWebIdentity'", SAML), "error MISMATCHED_ACTION_FOR_PRINCIPAL 3:10" },
    { "account with an assertion", TRUST, WHO("'sts:AssumeRoleWithSAML'", "{'AWS':'111122223333'}"), "error MISMATCHED_ACTION_FOR_PRINCIPAL 3:10" },
    { "service", TRUST, WHO("'sts:AssumeRole'", "{'Service':'ec2.amazonaws.com'}"), "" },
    { "another action", TRUST, WHO("'s3:GetObject'", "{'AWS':'111122223333'}"), "error UNSUPPORTED_ACTION_IN_POLICY 3:10" },
    { "trusts everybody", TRUST, WHO("'sts:AssumeRole'", "'*'"), "error ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL 4:13" },
    { "trusts nobody", TRUST, "'Effect':'Deny',\n'Action':'sts:AssumeRole',\n'Principal':'*'", "" },
    { "trusts some", TRUST, WHO("'sts:AssumeRole'", "{'AWS':'arn:aws:iam::111122223333:role/a*'}"), "error ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL 4:20" },
    { "no provider", TRUST, WHO("'sts:AssumeRoleWithSAML'", "{'Federated':'corp'}"), "error INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY 4:26" },
    { "any token", TRUST, WHO("'sts:AssumeRoleWithWebIdentity'", OIDC("bridge.acme.example")), "security warning MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL 4:26" },
    { "any repository", TRUST, WHO("'sts:AssumeRoleWithWebIdentity'", OIDC(GITHUB)) ",\n'Condition':{'StringEquals':{'" GITHUB ":aud':'sts.amazonaws.com'}}", "security warning MISSING_GITHUB_REPO_CONDITION_KEY 4:26" },
    { "any repository, said with a star", TRUST, WHO("'sts:AssumeRoleWithWebIdentity'", OIDC(GITHUB)) ",\n'Condition':{'StringLike':{'" GITHUB ":sub':'repo:*'}}", "security warning MISSING_GITHUB_REPO_CONDITION_KEY 4:26" },
    { "one repository", TRUST, WHO("'sts:AssumeRoleWithWebIdentity'", OIDC(GITHUB)) ",\n'Condition':{'StringLike':{'" GITHUB ":sub':'repo:acme/app:*'}}", "" },
    { "source identity without its action", TRUST, WHO("'sts:AssumeRole'", "{'AWS':'111122223333'}") ",\n'Condition':{'StringLike':{'sts:SourceIdentity':'*@acme.example'}}", "error MISSING_ACTION_FOR_CONDITION_KEY 5:28" },
    { "tags without their action", TRUST, WHO("'sts:AssumeRole'", "{'AWS':'111122223333'}") ",\n'Condition':{'StringEquals':{'aws:RequestTag/team':'a'}}", "error MISSING_ACTION_FOR_CONDITION_KEY 5:30" },
};

/* Whole documents. */
static const struct {
    const char *name;
    RbPolicyKind kind;
    const char *document, *want;
} documents[] = {
    { "no version", ID, "{'Statement':[{" ON(GET, "'*'") "}]}", "warning MISSING_VERSION 1:1" },
    { "variable without a version", ID, "{'Statement':[{" ON(GET, "'arn:aws:s3:::${aws:username}'") "}]}",
      "warning MISSING_VERSION 1:1, error VARIABLE_UNSUPPORTED_IN_VERSION 3:12" },
    { "a statement twice", ID, "{'Version':'2012-10-17','Statement':[{'Sid':'A'," ON("'s3:getobject'", "'*'") "},\n{" ON("[" GET "]", "['*']") "}]}",
      "suggestion REDUNDANT_STATEMENT 4:1" },
    { "sids of a bucket", RES, "{'Version':'2012-10-17','Statement':[{'Sid':'A A'," BUCKET("'*'") "},\n{'Sid':'A A','Effect':'Deny','Principal':'*','Action':'s3:*','Resource':'arn:aws:s3:::b'}]}",
      "warning UNIQUE_SIDS_RECOMMENDED 5:8" },
    /* AWS's own example of ValidatePolicy, from the reference of `aws accessanalyzer validate-policy`: it counts
     * columns from 0, and says of the second action that the audience is not looked at for it. */
    { "AWS's example", TRUST,
      "{\n    'Version': '2012-10-17',\n    'Statement': [\n        {\n            'Sid': '',\n            'Effect': 'Allow',\n"
      "            'Principal': {\n                'Federated': 'cognito-identity.amazonaws.com'\n            },\n"
      "            'Action': [\n                'sts:AssumeRole',\n                'sts:TagSession'\n            ],\n"
      "            'Condition': {\n                'StringEquals': {\n"
      "                    'cognito-identity.amazonaws.com:aud': 'us-west-2_EXAMPLE'\n                }\n            }\n"
      "        }\n    ]\n}\n",
      "suggestion EMPTY_SID_VALUE 5:20, error MISMATCHED_ACTION_FOR_PRINCIPAL 11:17" },
};
/* clang-format on */

static char *
findings(RbPolicyKind kind, const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdelimit(g_strdup(text), "'", '"'), "`", '\'');
    g_autoptr(GBytes) bytes = g_bytes_new(json, strlen(json));
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbPolicy) policy = rb_policy_parse(kind, "p.json", bytes, problems);
    GString *out = g_string_new(NULL);

    if (policy != NULL)
        rb_policy_validate(policy, problems);
    for (guint i = 0; i < rb_diagnostics_size(problems); i++) {
        const RbDiagnostic *d = rb_diagnostics_get(problems, i);
        g_string_append_printf(out, "%s%s%s %s %u:%u", policy == NULL ? "refused: " : "", i > 0 ? ", " : "",
                               rb_severity_name(d->severity), d->code, d->line, d->column);
    }
    return g_string_free(out, FALSE);
}

static guint
compare(const char *name, RbPolicyKind kind, const char *text, const char *want)
{
    g_autofree char *got = findings(kind, text);

    if (g_str_equal(got, want))
        return 0;
    print_error("%s:\n  got  %s\n  want %s\n", name, got, want);
    return 1;
}

static void
test_statements(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strconcat("{'Version':'2012-10-17','Statement':[ {\n", rows[i].statement, "\n}]}", NULL);
        wrong += compare(rows[i].name, rows[i].kind, text, rows[i].want);
    }
    assert_int_equal(wrong, 0);
}

static void
test_documents(void **state)
{
    guint wrong = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(documents); i++)
        wrong += compare(documents[i].name, documents[i].kind, documents[i].document, documents[i].want);
    assert_int_equal(wrong, 0);
}

/* The last size that fits, and the first that does not: of the compact text, whatever the spaces. */
static void
test_sizes(void **state)
{
    static const struct {
        RbPolicyKind kind;
        guint max;
        const char *code;
    } quotas[] = {
        { RB_POLICY_IDENTITY, 6144, "warning POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA 1:1" },
        { RB_POLICY_BOUNDARY, 6144, "warning POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA 1:1" },
        { RB_POLICY_SESSION, 2048, "error POLICY_SIZE_EXCEEDS_SESSION_POLICY_QUOTA 1:1" },
        { RB_POLICY_SERVICE_CONTROL, 5120, "error POLICY_SIZE_EXCEEDS_SCP_QUOTA 1:1" },
        { RB_POLICY_TRUST, 2048, "warning POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA 1:1" },
        { RB_POLICY_RESOURCE, 20480, "warning POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA 1:1" },
        { RB_POLICY_RESOURCE_CONTROL, 5120, "error POLICY_SIZE_EXCEEDS_RCP_QUOTA 1:1" },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(quotas); i++) {
        RbPolicyKind kind = quotas[i].kind;
        gboolean who = kind == TRUST || kind == RES || kind == RCP;
        g_autofree char *rest = g_strconcat("\",\"Effect\":\"Deny\",", who ? "\"Principal\":\"*\"," : "",
                                            kind == TRUST ? "\"Action\":\"sts:AssumeRole\""
                                                          : "\"Action\":\"s3:GetObject\",\"Resource\":\"*\"",
                                            "}]}", NULL);
        const char *head = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"";
        g_autofree char *sid = g_strnfill(quotas[i].max - strlen(head) - strlen(rest), 'a');
        g_autofree char *fits = g_strconcat(head, sid, rest, "   \n", NULL);
        g_autofree char *over = g_strconcat(head, sid, "a", rest, NULL);
        assert_int_equal(compare("fits", kind, fits, ""), 0);
        assert_int_equal(compare("over", kind, over, quotas[i].code), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
