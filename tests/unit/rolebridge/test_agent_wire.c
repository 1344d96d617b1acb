#include "rolebridge/agent_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND_US G_USEC_PER_SEC
#define LEASE(more) "{\"rolebridge\":1,\"ask\":\"credentials\",\"session\":\"corp\"" more "}"
#define WHOLE ",\"bridge\":\"https://b.example\",\"account\":\"prod\",\"role\":\"ds\""

static const struct {
    const char *name, *text;
    RbRefusalCode want;
} questions[] = {
    { "credentials", LEASE(WHOLE), RB_ACCEPTED },
    { "with a duration", LEASE(WHOLE ",\"duration_s\":900"), RB_ACCEPTED },
    { "the longest", LEASE(WHOLE ",\"duration_s\":43200"), RB_ACCEPTED },
    { "members of later versions", LEASE(WHOLE ",\"later\":[1]"), RB_ACCEPTED },
    { "status", "{\"rolebridge\":1,\"ask\":\"status\",\"session\":\"corp\"}", RB_ACCEPTED },
    { "forget", "{\"rolebridge\":1,\"ask\":\"forget\",\"session\":\"corp\"}", RB_ACCEPTED },
    { "end", "{\"rolebridge\":1,\"ask\":\"end\",\"session\":\"corp\"}", RB_ACCEPTED },
    { "nothing", "", RB_REQUEST_MALFORMED },
    { "a list", "[]", RB_REQUEST_MALFORMED },
    { "no JSON", "GET / HTTP/1.1", RB_REQUEST_MALFORMED },
    { "cut off", "{\"rolebridge\":1,\"ask\":\"status\"", RB_REQUEST_MALFORMED },
    { "something behind it", "{\"rolebridge\":1,\"ask\":\"status\",\"session\":\"corp\"} x",
      RB_REQUEST_MALFORMED },
    { "another version", "{\"rolebridge\":2,\"ask\":\"status\",\"session\":\"corp\"}", RB_REQUEST_MALFORMED },
    { "no version", "{\"ask\":\"status\",\"session\":\"corp\"}", RB_REQUEST_MALFORMED },
    { "a member twice", "{\"rolebridge\":1,\"ask\":\"status\",\"ask\":\"end\",\"session\":\"corp\"}",
      RB_REQUEST_MALFORMED },
    { "another question", "{\"rolebridge\":1,\"ask\":\"token\",\"session\":\"corp\"}", RB_REQUEST_MALFORMED },
    { "a question that is a number", "{\"rolebridge\":1,\"ask\":1,\"session\":\"corp\"}",
      RB_REQUEST_MALFORMED },
    { "no session", "{\"rolebridge\":1,\"ask\":\"status\"}", RB_REQUEST_MALFORMED },
    { "an empty session", "{\"rolebridge\":1,\"ask\":\"status\",\"session\":\"\"}", RB_REQUEST_MALFORMED },
    { "no bridge", LEASE(",\"account\":\"prod\",\"role\":\"ds\""), RB_REQUEST_MALFORMED },
    { "no account", LEASE(",\"bridge\":\"b\",\"role\":\"ds\""), RB_REQUEST_MALFORMED },
    { "a role that is a list", LEASE(",\"bridge\":\"b\",\"account\":\"prod\",\"role\":[]"),
      RB_REQUEST_MALFORMED },
    { "a duration too long", LEASE(WHOLE ",\"duration_s\":43201"), RB_REQUEST_MALFORMED },
    { "a duration below nothing", LEASE(WHOLE ",\"duration_s\":-1"), RB_REQUEST_MALFORMED },
    { "a duration as text", LEASE(WHOLE ",\"duration_s\":\"900\""), RB_REQUEST_MALFORMED },
    { "a duration with a fraction", LEASE(WHOLE ",\"duration_s\":900.5"), RB_REQUEST_MALFORMED },
    { "fresh as text", LEASE(WHOLE ",\"fresh\":\"no\""), RB_REQUEST_MALFORMED },
    { "NUL in a name", LEASE(",\"bridge\":\"b\",\"account\":\"pr\\u0000od\",\"role\":\"ds\""),
      RB_REQUEST_MALFORMED },
};

static void
expect(const char *name, const char *text, gsize size, RbRefusalCode want)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbAgentQuestion) question = rb_agent_question_parse(text, size, &error);

    if ((question != NULL) != (want == RB_ACCEPTED) || (want != RB_ACCEPTED && !rb_is_refusal(error, want)))
        fail_msg("%s: %s", name, error != NULL ? error->message : "accepted");
}

static void
test_questions(void **state)
{
    g_autofree char *name = g_strnfill(RB_AGENT_TEXT_MAX + 1, 'a'),
                    *blanks = g_strnfill(RB_AGENT_QUESTION_MAX + 1, ' ');
    g_autofree char *long_name =
        g_strdup_printf("{\"rolebridge\":1,\"ask\":\"status\",\"session\":\"%s\"}", name);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(questions); i++)
        expect(questions[i].name, questions[i].text, strlen(questions[i].text), questions[i].want);
    expect("a name too long", long_name, strlen(long_name), RB_REQUEST_MALFORMED);
    expect("too much of it", blanks, strlen(blanks), RB_REQUEST_TOO_LARGE);
}

static void
test_errors(void **state)
{
    g_autoptr(GError) refusal = NULL, fault = NULL, got = NULL, again = NULL;
    json_t *json, *unknown = json_pack("{s:{s:s, s:s}}", "error", "code", "no.such", "message", "x");

    (void)state;
    (void)rb_refuse(&refusal, RB_MAPPING_MFA_REQUIRED, "because");
    json = rb_agent_error_to_json(refusal);
    assert_true(rb_agent_error_from_json(json, &got));
    assert_true(rb_is_refusal(got, RB_MAPPING_MFA_REQUIRED));
    assert_string_equal(got->message, "because");
    json_decref(json);
    (void)rb_fault(&fault, RB_FAULT_NETWORK, "because \xff"); /* not UTF-8 */
    json = rb_agent_error_to_json(fault);
    assert_true(rb_agent_error_from_json(json, &again));
    assert_true(g_error_matches(again, RB_FAULT, RB_FAULT_NETWORK));
    json_decref(json);
    assert_false(rb_agent_error_from_json(unknown, NULL));
    json_decref(unknown);
    assert_false(rb_agent_error_from_json(NULL, NULL));
}

static const struct {
    const char *name, *sent;
    gsize max;
    const char *want; /* NULL: refused */
} lines[] = {
    { "a line", "abc\n", 10, "abc" },
    { "empty lines before it", "\n\nabc\n", 10, "abc" },
    { "exactly as long as may be", "0123456789\n", 10, "0123456789" },
    { "one byte too long", "0123456789a\n", 10, NULL },
    { "no end", "abc", 10, NULL },
    { "nothing", "", 10, NULL },
    { "empty lines alone", "\n\n\n", 10, NULL },
};

static void
test_lines(void **state)
{
    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(RbSecret) got = NULL;
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        assert_int_equal(send(ends[0], lines[i].sent, strlen(lines[i].sent), 0),
                         (ssize_t)strlen(lines[i].sent));
        (void)shutdown(ends[0], SHUT_WR);
        got = rb_agent_receive(ends[1], lines[i].max, FALSE, g_get_monotonic_time() + 20 * SECOND_US);
        if (g_strcmp0(got != NULL ? rb_secret_reveal(got) : NULL, lines[i].want) != 0)
            fail_msg("%s: got %s", lines[i].name, got != NULL ? rb_secret_reveal(got) : "nothing");
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

/* Who says nothing, or takes nothing, is not waited for. */
static void
test_time(void **state)
{
    json_t *much = json_array();
    int ends[2];

    (void)state;
    for (guint i = 0; i < 200000; i++)
        (void)json_array_append_new(much, json_integer(i));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_null(rb_agent_receive(ends[1], 10, FALSE, g_get_monotonic_time() + SECOND_US / 20));
    assert_false(rb_agent_send(ends[1], much, g_get_monotonic_time() + SECOND_US / 20));
    assert_true(rb_agent_peer_is_me(ends[1]));
    assert_false(rb_agent_peer_is_me(-1));
    (void)close(ends[0]);
    assert_null(rb_agent_receive(ends[1], 10, FALSE, g_get_monotonic_time() + 20 * SECOND_US));
    assert_false(rb_agent_send(ends[1], much, g_get_monotonic_time() + 20 * SECOND_US));
    (void)close(ends[1]);
    json_decref(much);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_time),
    };

    return cmocka_run_group_tests_name("agent_wire", tests, NULL, NULL);
}
