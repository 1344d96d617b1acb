#include "policy_case.h"

#include <stdlib.h>
#include <string.h>

struct RbPolicyCase {
    json_t *json;
    GPtrArray *policies; /* of every list below, one behind the other */
    GArray *levels;      /* RbPolicies: service control */
    RbPolicySets sets;
    RbRequestContext *context;
    RbRequest request;
};

static void
stop(const char *what, const char *line)
{
    g_printerr("not a case: %s\n%s\n", what, line);
    exit(1);
}

static RbPolicy *
read_one(RbPolicyKind kind, const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_PRESERVE_ORDER);
    g_autoptr(GBytes) bytes = g_bytes_new_with_free_func(text, strlen(text), free, text);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    RbPolicy *policy = rb_policy_parse(kind, rb_policy_kind_name(kind), bytes, problems);

    if (!policy) {
        g_autofree char *told = rb_diagnostics_to_text(problems, FALSE);

        stop(told, text);
    }
    return policy;
}

/* The array is sized at once: what points into it stays. */
static RbPolicies
read_list(RbPolicyCase *pair, RbPolicyKind kind, const json_t *list)
{
    guint first = pair->policies->len;
    size_t i;
    json_t *document;

    json_array_foreach(list, i, document) g_ptr_array_add(pair->policies, read_one(kind, document));
    return (RbPolicies){ (const RbPolicy *const *)pair->policies->pdata + first,
                         pair->policies->len - first };
}

static void
read_sets(RbPolicyCase *pair)
{
    const json_t *resource = json_object_get(pair->json, "resource_policy"), *level;
    RbPolicySets *sets = &pair->sets;
    size_t i;

    sets->identity = read_list(pair, RB_POLICY_IDENTITY, json_object_get(pair->json, "identity"));
    sets->session = read_list(pair, RB_POLICY_SESSION, json_object_get(pair->json, "session_policies"));
    sets->boundary = read_list(pair, RB_POLICY_BOUNDARY, json_object_get(pair->json, "boundary"));
    sets->resource_control = read_list(pair, RB_POLICY_RESOURCE_CONTROL, json_object_get(pair->json, "rcp"));
    json_array_foreach(json_object_get(pair->json, "scp"), i, level)
    {
        RbPolicies policies = read_list(pair, RB_POLICY_SERVICE_CONTROL, level);

        g_array_append_val(pair->levels, policies);
    }
    sets->service_control = (const RbPolicies *)(void *)pair->levels->data;
    sets->n_service_control = pair->levels->len;
    if (json_is_object(resource)) {
        RbPolicy *policy = read_one(json_is_true(json_object_get(pair->json, "trust")) ? RB_POLICY_TRUST
                                                                                       : RB_POLICY_RESOURCE,
                                    resource);

        g_ptr_array_add(pair->policies, policy);
        sets->resource = policy;
    }
}

static void
read_context(RbPolicyCase *pair)
{
    const char *key;
    json_t *value, *one;
    size_t i;

    pair->context = rb_request_context_new();
    json_object_foreach(json_object_get(pair->json, "context"), key, value)
    {
        if (json_is_string(value)) {
            rb_request_context_add(pair->context, key, json_string_value(value));
            continue;
        }
        rb_request_context_add_empty(pair->context, key);
        json_array_foreach(value, i, one) rb_request_context_add(pair->context, key, json_string_value(one));
    }
    pair->request.context = pair->context;
}

static const char *
text(const RbPolicyCase *pair, const char *key)
{
    return json_string_value(json_object_get(pair->json, key));
}

static void
read_request(RbPolicyCase *pair)
{
    RbRequest *request = &pair->request;

    request->principal = text(pair, "principal");
    request->session = text(pair, "session");
    request->federated = text(pair, "federated");
    request->service = text(pair, "service");
    request->action = text(pair, "action");
    request->resource = text(pair, "resource");
    request->resource_account = text(pair, "owner");
}

RbPolicyCase *
policy_case_read(const char *line)
{
    RbPolicyCase *pair = g_new0(RbPolicyCase, 1);
    json_error_t error;

    pair->json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (!pair->json)
        stop(error.text, line);
    pair->policies = g_ptr_array_new_full(256, (GDestroyNotify)rb_policy_unref);
    pair->levels = g_array_new(FALSE, FALSE, sizeof(RbPolicies));
    read_context(pair);
    read_request(pair);
    if (!pair->request.action || !pair->request.resource)
        stop("no action or resource", line);
    read_sets(pair);
    if (pair->policies->len > 256)
        stop("more than 256 policies", line);
    return pair;
}

void
policy_case_free(RbPolicyCase *pair)
{
    if (!pair)
        return;
    g_ptr_array_unref(pair->policies);
    g_array_unref(pair->levels);
    rb_request_context_free(pair->context);
    json_decref(pair->json);
    g_free(pair);
}

const char *
policy_case_id(const RbPolicyCase *pair)
{
    return text(pair, "id");
}

const char *
policy_case_answer(const RbPolicyCase *pair)
{
    static const char *const answers[] = {
        [RB_OUTCOME_ALLOWED] = "allowed",
        [RB_OUTCOME_DENIED] = "denied",
        [RB_OUTCOME_NOT_ALLOWED] = "not allowed",
    };
    RbVerdict verdict;

    rb_evaluate(&pair->sets, &pair->request, &verdict);
    return answers[verdict.outcome];
}
