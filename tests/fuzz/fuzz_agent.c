#include "rolebridge/agent_wire.h"

#include <stdint.h>
#include <string.h>

/* What comes through the agent's socket. Whatever is taken can be said again and is taken as the same. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(RbAgentQuestion) first = rb_agent_question_parse((const char *)data, size, NULL), second = NULL;
    json_t *json;
    char *text;

    if (first == NULL)
        return 0;
    g_assert_nonnull(first->session);
    g_assert_true(first->verb != RB_AGENT_CREDENTIALS ||
                  (first->bridge != NULL && first->account != NULL && first->role != NULL));
    json = rb_agent_question_to_json(first);
    text = json_dumps(json, JSON_COMPACT);
    second = rb_agent_question_parse(text, strlen(text), NULL);
    g_assert_nonnull(second);
    g_assert_cmpint(first->verb, ==, second->verb);
    g_assert_cmpstr(first->account, ==, second->account);
    g_assert_cmpstr(first->role, ==, second->role);
    g_assert_cmpint(first->duration_s, ==, second->duration_s);
    free(text);
    json_decref(json);
    return 0;
}
