#include "issue/priv.h"

static const RbPartition partitions[] = {
    { "aws", "", "amazonaws.com", "us-east-1", "signin.aws.amazon.com", "console.aws.amazon.com",
      "urn:amazon:webservices" },
    { "aws-cn", "cn-", "amazonaws.com.cn", "cn-north-1", "signin.amazonaws.cn", "console.amazonaws.cn",
      "urn:amazon:webservices:cn-north-1" },
    { "aws-us-gov", "us-gov-", "amazonaws.com", "us-gov-west-1", "signin.amazonaws-us-gov.com",
      "console.amazonaws-us-gov.com", "urn:amazon:webservices:govcloud" },
    { "aws-eusc", "eusc-", "amazonaws.eu", "eusc-de-east-1", "signin.amazonaws-eusc.eu",
      "console.amazonaws-eusc.eu", NULL },
};

const RbPartition *
rb_partition(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(partitions); i++)
        if (g_str_equal(partitions[i].name, name))
            return &partitions[i];
    return NULL;
}

const RbPartition *
rb_partition_of_region(const char *region)
{
    for (gsize i = 1; i < G_N_ELEMENTS(partitions); i++)
        if (g_str_has_prefix(region, partitions[i].prefix))
            return &partitions[i];
    return &partitions[0];
}
