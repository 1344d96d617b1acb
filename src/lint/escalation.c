#include "iam/match.h"
#include "lint/priv.h"

#include <string.h>

/*
 * Ways from some permissions to more. Each is known from public research on IAM; each needs all of its
 * actions, on resources that are not written out one by one, and without a condition that picks them.
 */

typedef struct {
    const char *action;
    const char *part;    /* where the name of what must be chosen starts: ":role/" */
    const char *service; /* of iam:PassRole: whom the role is handed to */
} Step;

typedef struct {
    Step steps[3]; /* ended by an action that is NULL */
    const char *what;
} Way;

#define PASS(to)                                                                                             \
    {                                                                                                        \
        "iam:PassRole", ":role/", to                                                                         \
    }

/* clang-format off */
static const Way ways[] = {
    { { { "iam:CreatePolicyVersion", ":policy/", NULL } }, "writes a new version of a policy that it has" },
    { { { "iam:SetDefaultPolicyVersion", ":policy/", NULL } }, "goes back to a version of a policy that gave more" },
    { { { "iam:AttachRolePolicy", ":role/", NULL } }, "attaches any policy to a role" },
    { { { "iam:AttachUserPolicy", ":user/", NULL } }, "attaches any policy to a user" },
    { { { "iam:AttachGroupPolicy", ":group/", NULL } }, "attaches any policy to a group" },
    { { { "iam:PutRolePolicy", ":role/", NULL } }, "writes a policy into a role" },
    { { { "iam:PutUserPolicy", ":user/", NULL } }, "writes a policy into a user" },
    { { { "iam:PutGroupPolicy", ":group/", NULL } }, "writes a policy into a group" },
    { { { "iam:DeleteRolePermissionsBoundary", ":role/", NULL } }, "takes the limit off a role" },
    { { { "iam:DeleteUserPermissionsBoundary", ":user/", NULL } }, "takes the limit off a user" },
    { { { "iam:DeleteRolePolicy", ":role/", NULL } }, "takes a policy that denies off a role" },
    { { { "iam:DetachRolePolicy", ":role/", NULL } }, "takes a policy that denies off a role" },
    { { { "iam:UpdateAssumeRolePolicy", ":role/", NULL } }, "makes any role trust it" },
    { { { "iam:CreateAccessKey", ":user/", NULL } }, "makes keys of another user" },
    { { { "iam:CreateLoginProfile", ":user/", NULL } }, "gives another user a password" },
    { { { "iam:UpdateLoginProfile", ":user/", NULL } }, "changes another user's password" },
    { { { "iam:AddUserToGroup", ":group/", NULL } }, "puts a user into any group" },
    { { { "iam:CreateServiceSpecificCredential", ":user/", NULL } }, "makes credentials of another user" },
    { { { "iam:UpdateSAMLProvider", ":saml-provider/", NULL } }, "lets its own identity provider vouch for anybody" },
    { { { "sso:AttachManagedPolicyToPermissionSet", NULL, NULL } }, "gives any policy to a permission set" },
    { { { "sso:PutInlinePolicyToPermissionSet", NULL, NULL } }, "writes a policy into a permission set" },
    { { PASS("ec2.amazonaws.com"), { "ec2:RunInstances", NULL, NULL } }, "starts a machine that runs as any role" },
    { { PASS("ec2.amazonaws.com"), { "ec2:AssociateIamInstanceProfile", ":instance/", NULL } }, "lets a machine run as any role" },
    { { PASS("ec2.amazonaws.com"), { "autoscaling:CreateLaunchConfiguration", NULL, NULL },
        { "autoscaling:CreateAutoScalingGroup", NULL, NULL } }, "starts machines that run as any role" },
    { { PASS("lambda.amazonaws.com"), { "lambda:CreateFunction", NULL, NULL }, { "lambda:InvokeFunction", NULL, NULL } },
        "runs code as any role" },
    { { PASS("lambda.amazonaws.com"), { "lambda:CreateFunction", NULL, NULL }, { "lambda:CreateEventSourceMapping", NULL, NULL } },
        "runs code as any role" },
    { { PASS("lambda.amazonaws.com"), { "lambda:CreateFunction", NULL, NULL }, { "lambda:AddPermission", NULL, NULL } },
        "runs code as any role" },
    { { { "lambda:UpdateFunctionCode", ":function:", NULL } }, "replaces code that runs as another role" },
    { { { "lambda:UpdateFunctionConfiguration", ":function:", NULL } }, "adds a layer to code that runs as another role" },
    { { PASS("glue.amazonaws.com"), { "glue:CreateDevEndpoint", NULL, NULL } }, "runs code as any role" },
    { { { "glue:UpdateDevEndpoint", ":devEndpoint/", NULL } }, "runs code as the role of a development endpoint" },
    { { PASS("glue.amazonaws.com"), { "glue:CreateJob", NULL, NULL } }, "runs a job as any role" },
    { { PASS("glue.amazonaws.com"), { "glue:UpdateJob", NULL, NULL } }, "runs a job as any role" },
    { { PASS("sagemaker.amazonaws.com"), { "sagemaker:CreateNotebookInstance", NULL, NULL },
        { "sagemaker:CreatePresignedNotebookInstanceUrl", NULL, NULL } }, "opens a notebook that runs as any role" },
    { { { "sagemaker:CreatePresignedNotebookInstanceUrl", ":notebook-instance/", NULL } }, "opens a notebook of another role" },
    { { PASS("sagemaker.amazonaws.com"), { "sagemaker:CreateTrainingJob", NULL, NULL } }, "runs code as any role" },
    { { PASS("sagemaker.amazonaws.com"), { "sagemaker:CreateProcessingJob", NULL, NULL } }, "runs code as any role" },
    { { PASS("cloudformation.amazonaws.com"), { "cloudformation:CreateStack", NULL, NULL } }, "builds anything as any role" },
    { { PASS("cloudformation.amazonaws.com"), { "cloudformation:UpdateStack", NULL, NULL } }, "changes anything as any role" },
    { { PASS("cloudformation.amazonaws.com"), { "cloudformation:SetStackPolicy", NULL, NULL },
        { "cloudformation:UpdateStack", NULL, NULL } }, "changes anything as any role" },
    { { PASS("datapipeline.amazonaws.com"), { "datapipeline:CreatePipeline", NULL, NULL },
        { "datapipeline:PutPipelineDefinition", NULL, NULL } }, "runs commands as any role" },
    { { PASS("codebuild.amazonaws.com"), { "codebuild:CreateProject", NULL, NULL }, { "codebuild:StartBuild", NULL, NULL } },
        "runs a build as any role" },
    { { PASS("codebuild.amazonaws.com"), { "codebuild:UpdateProject", NULL, NULL }, { "codebuild:StartBuild", NULL, NULL } },
        "runs a build as any role" },
    { { PASS("ecs-tasks.amazonaws.com"), { "ecs:RegisterTaskDefinition", NULL, NULL }, { "ecs:RunTask", NULL, NULL } },
        "runs a container as any role" },
    { { PASS("ecs-tasks.amazonaws.com"), { "ecs:RegisterTaskDefinition", NULL, NULL }, { "ecs:StartTask", NULL, NULL } },
        "runs a container as any role" },
    { { PASS("ecs-tasks.amazonaws.com"), { "ecs:RegisterTaskDefinition", NULL, NULL }, { "ecs:UpdateService", NULL, NULL } },
        "runs a container as any role" },
    { { PASS("ecs-tasks.amazonaws.com"), { "ecs:RegisterTaskDefinition", NULL, NULL }, { "ecs:CreateService", NULL, NULL } },
        "runs a container as any role" },
    { { PASS("states.amazonaws.com"), { "states:CreateStateMachine", NULL, NULL }, { "states:StartExecution", NULL, NULL } },
        "runs steps as any role" },
    { { PASS("elasticmapreduce.amazonaws.com"), { "elasticmapreduce:RunJobFlow", NULL, NULL } }, "runs a cluster as any role" },
    { { PASS("ssm.amazonaws.com"), { "ssm:StartAutomationExecution", NULL, NULL } }, "runs a runbook as any role" },
    { { PASS("batch.amazonaws.com"), { "batch:RegisterJobDefinition", NULL, NULL }, { "batch:SubmitJob", NULL, NULL } },
        "runs a job as any role" },
    { { { "ssm:SendCommand", ":instance/", NULL } }, "runs commands as the role of any machine" },
    { { { "ssm:StartSession", ":instance/", NULL } }, "opens a shell with the role of any machine" },
    { { { "ec2-instance-connect:SendSSHPublicKey", ":instance/", NULL } }, "opens a shell with the role of any machine" },
    { { { "codestar:CreateProject", NULL, NULL }, PASS("codestar.amazonaws.com") }, "builds anything as any role" },
};
/* clang-format on */

/* Whether iam:PassRole of @s may hand a role to @service; a condition on iam:PassedToService says to whom. */
static gboolean
hands_to(const RbPolicyStatement *s, const char *service)
{
    for (guint i = 0; i < s->n_conditions; i++) {
        const RbPolicyCondition *c = &s->conditions[i];
        gboolean found = FALSE;
        if (g_ascii_strcasecmp(c->key.text, "iam:PassedToService") != 0 || c->negated)
            continue;
        for (guint k = 0; k < c->values.n; k++)
            found = found || rb_match_text(c->values.at[k].text, service);
        if (!found)
            return FALSE;
    }
    return TRUE;
}

/* The statement of @documents that lets take @step; NULL: none. */
static const RbPolicyStatement *
find_step(const RbRole *role, const GPtrArray *documents, const Step *step)
{
    if (rb_lint_withheld(role, documents, step->action))
        return NULL;
    for (guint i = 0; i < documents->len; i++) {
        const RbPolicy *p = documents->pdata[i];
        for (guint k = 0; k < p->n_statements; k++) {
            const RbPolicyStatement *s = &p->statements[k];
            if (rb_lint_names(s, step->action) && rb_lint_wide(s, step->part) &&
                !rb_lint_limited(s, "iam:PassedToService") &&
                (step->service == NULL || hands_to(s, step->service)))
                return s;
        }
    }
    return NULL;
}

/* "iam:PassRole (policies/a.yaml:7) and lambda:CreateFunction (policies/b.yaml:4)"; NULL: a step is missing.
 */
static char *
walk(const Way *way, const RbRole *role, const GPtrArray *documents)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(way->steps) && way->steps[i].action != NULL; i++) {
        const RbPolicyStatement *s = find_step(role, documents, &way->steps[i]);
        if (s == NULL)
            return NULL;
        g_string_append_printf(out, "%s%s (%s:%u)", i == 0 ? "" : " and ", way->steps[i].action,
                               s->place.file, s->place.line);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
look_for_ways(RbLint *lint, const RbRole *role)
{
    g_autoptr(GPtrArray) documents = rb_lint_documents(lint, role);
    g_autofree char *first = NULL, *who = rb_lint_who(lint, role);
    const char *what = NULL;
    guint n = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *steps = walk(&ways[i], role, documents);
        if (steps == NULL)
            continue;
        if (n++ == 0) {
            first = g_steal_pointer(&steps);
            what = ways[i].what;
        }
    }
    if (n == 1)
        rb_lint_say(lint, role->place, "name the resources, or write privileged: true", "%s %s, by %s", who,
                    what, first);
    else if (n > 1)
        rb_lint_say(lint, role->place, "name the resources, or write privileged: true",
                    "%s %s, by %s; and there are %u more ways", who, what, first, n - 1);
}

void
rb_lint_escalation(RbLint *lint)
{
    for (guint i = 0; i < lint->roles->len; i++) {
        const RbRole *role = lint->roles->pdata[i];
        if (!role->privileged) /* who has that has a second factor, a short session, and is looked at */
            look_for_ways(lint, role);
    }
}
