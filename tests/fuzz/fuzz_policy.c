#include "iam/policy.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static RbPolicy *
parse(RbPolicyKind kind, const char *text, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, size);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(kind, "p.json", bytes, problems);

    g_assert((policy != NULL) == (rb_diagnostics_count(problems) == 0));
    return policy;
}

/* What is printed is read again as the same; normalising twice changes nothing more. */
static void
check_forms(const RbPolicy *policy)
{
    g_autofree char *text = rb_policy_print(policy), *normal = NULL, *twice = NULL, *again = NULL;
    g_autoptr(RbPolicy) read = parse(policy->kind, text, strlen(text)), once = rb_policy_normalise(policy);
    g_autoptr(RbPolicy) second = rb_policy_normalise(once);

    if (strlen(text) > RB_POLICY_MAX_SIZE)
        return; /* escapes made it longer than IAM takes */
    g_assert(read != NULL);
    again = rb_policy_print(read);
    g_assert_cmpstr(text, ==, again);
    normal = rb_policy_print(once);
    twice = rb_policy_print(second);
    g_assert_cmpstr(normal, ==, twice);
    g_assert(rb_policy_equal(policy, once) && rb_policy_equal(once, policy));
}

static void
check_policy(const RbPolicy *policy)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    rb_policy_validate(policy, problems);
    check_forms(policy);
}

/* The same bytes as statements in YAML. */
static void
check_yaml(RbPolicyKind kind, const char *text, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, size);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbYamlDocument) document = rb_yaml_parse("p.yaml", bytes, problems);
    g_autoptr(RbPolicy) policy =
        document == NULL ? NULL : rb_policy_read(kind, rb_yaml_root(document), problems);

    g_assert((policy != NULL) == (rb_diagnostics_count(problems) == 0));
    if (policy != NULL)
        check_policy(policy);
}

/* The first byte says the kind, a digit in the corpus; the rest is the document. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    RbPolicyKind kind;
    g_autoptr(RbPolicy) policy = NULL;

    if (size == 0)
        return 0;
    kind = (RbPolicyKind)((data[0] - '0') & 0xff) % (RB_POLICY_RESOURCE + 1);
    policy = parse(kind, text, size - 1);
    if (policy != NULL)
        check_policy(policy);
    check_yaml(kind, text, size - 1);
    return 0;
}
