#include "deploy/priv.h"
#include "issue/query.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An account's roles as IAM tells them, compared with an account in which nothing should be. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const RbAccount account = { .id = "222222222222", .name = "a", .partition = "aws" };
    static const RbCompiledAccount want = { .account = &account, .path = "/rolebridge/" };
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    json_t *answer = rb_query_read(bytes, NULL);
    const json_t *result = json_object_get(json_object_get(answer, "GetAccountAuthorizationDetailsResponse"),
                                           "GetAccountAuthorizationDetailsResult");
    json_t *state = json_pack("{s:{}, s:{}, s:{}}", "roles", "policies", "providers");

    if (rb_deploy_add_roles(state, json_object_get(result, "RoleDetailList"), account.id, NULL)) {
        g_autoptr(RbAccountPlan) plan = rb_deploy_compare(&want, state);
        for (guint i = 0; i < plan->steps->len;
             i++) /* of what has the tag and the path, and of nothing else */
            g_assert(g_str_has_prefix(((const RbStep *)plan->steps->pdata[i])->arn,
                                      "arn:aws:iam::222222222222:role/"));
    }
    json_decref(state);
    json_decref(answer);
    return 0;
}
