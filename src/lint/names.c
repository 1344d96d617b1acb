#include "lint/priv.h"

#include <string.h>

/* Names that are those of technologies. A name is read word by word: "redshift-launchers", "aws-s3-admins".
 */

/* Services by the names people know them by, and tools; whoever has them in a name means them. Names of
 * services that are everyday words too ("account", "config", "support") are left out. */
static const char *const technologies[] = { "airflow",
                                            "amplify",
                                            "ansible",
                                            "apigateway",
                                            "apprunner",
                                            "appstream",
                                            "appsync",
                                            "athena",
                                            "aurora",
                                            "bedrock",
                                            "cloudformation",
                                            "cloudfront",
                                            "cloudtrail",
                                            "cloudwatch",
                                            "codebuild",
                                            "codecommit",
                                            "codedeploy",
                                            "codepipeline",
                                            "cognito",
                                            "docdb",
                                            "docker",
                                            "dynamodb",
                                            "ec2",
                                            "ecr",
                                            "ecs",
                                            "efs",
                                            "eks",
                                            "elasticache",
                                            "elasticsearch",
                                            "elasticmapreduce",
                                            "elb",
                                            "emr",
                                            "eventbridge",
                                            "fargate",
                                            "firehose",
                                            "fsx",
                                            "glue",
                                            "greengrass",
                                            "guardduty",
                                            "iot",
                                            "jenkins",
                                            "kafka",
                                            "kinesis",
                                            "kms",
                                            "kubernetes",
                                            "lambda",
                                            "lightsail",
                                            "linux",
                                            "msk",
                                            "mysql",
                                            "neptune",
                                            "opensearch",
                                            "oracle",
                                            "postgres",
                                            "postgresql",
                                            "quicksight",
                                            "rds",
                                            "redis",
                                            "redshift",
                                            "route53",
                                            "s3",
                                            "sagemaker",
                                            "secretsmanager",
                                            "ses",
                                            "sns",
                                            "spark",
                                            "sqs",
                                            "ssm",
                                            "sts",
                                            "terraform",
                                            "vpc",
                                            "waf",
                                            "windows",
                                            "workspaces",
                                            NULL };

/* The technology that @name has as one of its words; NULL: none. */
static const char *
technology_in(const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    g_auto(GStrv) words = g_strsplit_set(lower, "-_ .:/,=", -1);

    for (guint i = 0; words[i] != NULL; i++)
        for (guint k = 0; technologies[k] != NULL; k++) {
            gsize n = strlen(technologies[k]);
            if (strncmp(words[i], technologies[k], n) == 0 &&
                (words[i][n] == '\0' || g_str_equal(words[i] + n, "s")))
                return technologies[k];
        }
    return NULL;
}

void
rb_lint_role_names(RbLint *lint)
{
    for (guint i = 0; i < lint->roles->len; i++) {
        const RbRole *role = lint->roles->pdata[i];
        const char *technology = technology_in(role->name);
        if (technology != NULL)
            rb_lint_say(lint, role->place, "name it for what somebody does",
                        "the role '%s' is named after a technology, %s", role->name, technology);
    }
}

void
rb_lint_group_names(RbLint *lint)
{
    guint n = rb_snapshot_size(lint->snapshot).n_assignments;

    for (guint i = 0; i < n; i++) {
        const RbAssignment *a = rb_snapshot_assignment(lint->snapshot, i);
        const char *const *who = lint->who->pdata[i];
        for (guint k = 0; who[k] != NULL && !a->by_claims; k++) {
            const char *open = strchr(who[k], '\''), *close = open == NULL ? NULL : strchr(open + 1, '\'');
            g_autofree char *group = close == NULL ? NULL : g_strndup(open + 1, (gsize)(close - open - 1));
            const char *technology = group == NULL ? NULL : technology_in(group);
            if (technology != NULL)
                rb_lint_say(lint, a->place, "assign the group of those who do this work",
                            "the group '%s' is named after a technology, %s", group, technology);
        }
    }
}
