#include "rolebridge/agent.h"
#include "rolebridge/agent_client.h"
#include "rolebridge/agent_wire.h"
#include "rolebridge/token.h"
#include "support/folder.h"
#include "support/server.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1795510800 };

/* A bridge on loopback, a person's folders, and the agent's two sides: its own thread, and who asks it. */
typedef struct {
    Server *bridge;
    char *folder;
    RbCli cli, asker; /* the agent's, and another process's */
    GMutex mutex;     /* guards the following */
    gint64 now;
    const char *name; /* whose every token is */
    guint leases;
    gboolean down;
    RbAgent *agent;
    GThread *thread;
    int stop;
} Fixture;

static gint64
fixed_now(gpointer data)
{
    Fixture *f = data;
    gint64 now;

    g_mutex_lock(&f->mutex);
    now = f->now;
    g_mutex_unlock(&f->mutex);
    return now;
}

static void
pass(Fixture *f, gint64 seconds)
{
    g_mutex_lock(&f->mutex);
    f->now += seconds;
    g_mutex_unlock(&f->mutex);
}

static void
set_bridge(Fixture *f, const char *name, gboolean down)
{
    g_mutex_lock(&f->mutex);
    f->name = name;
    f->down = down;
    g_mutex_unlock(&f->mutex);
}

static void
bridge(const ServerRequest *request, ServerReply *reply, gpointer data)
{
    Fixture *f = data;
    g_autofree char *text = NULL;

    g_mutex_lock(&f->mutex);
    if (f->down)
        reply_text(reply, 503, "application/json", "{\"code\":\"fault.busy\",\"message\":\"later\"}");
    else if (g_str_has_prefix(request->path, "/api/v1/whoami"))
        text = g_strdup_printf("{\"name\":\"%s\"}", f->name);
    else if (g_str_has_prefix(request->path, "/api/v1/credentials"))
        text =
            g_strdup_printf("{\"roleCredentials\":{\"accessKeyId\":\"ASIA%u\",\"secretAccessKey\":\"SECRET\","
                            "\"sessionToken\":\"SESSION\",\"expiration\":%" G_GINT64_FORMAT "}}",
                            ++f->leases, (f->now + 3600) * 1000);
    else
        reply_text(reply, 404, "application/json", "{\"code\":\"request.not_found\",\"message\":\"no\"}");
    g_mutex_unlock(&f->mutex);
    if (text != NULL)
        reply_text(reply, 200, "application/json", text);
}

static void
write_token(const Fixture *f, const char *access, gint64 lives_s)
{
    g_autofree char *path = rb_token_path(&f->cli), *folder = g_path_get_dirname(path);
    g_autofree char *until = g_strdup("2027-01-01T00:00:00Z");
    g_autofree char *text =
        g_strdup_printf("{\"startUrl\":\"%s\",\"accessToken\":\"%s\",\"expiresAt\":\"%s\"}", f->cli.bridge,
                        access, lives_s > 0 ? until : "2026-11-24T08:00:00Z");

    assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
    assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static void
fill(RbCli *cli, Fixture *f)
{
    cli->bridge = server_url(f->bridge, "");
    cli->session = g_strdup("corp");
    cli->region = g_strdup("eu-central-1");
    cli->aws_dir = g_build_filename(f->folder, ".aws", NULL);
    cli->cache_dir = g_build_filename(f->folder, "cache", NULL);
    cli->clock = (RbClock){ fixed_now, f };
}

static int
set_up(void **state)
{
    Fixture *f = g_new0(Fixture, 1);

    g_mutex_init(&f->mutex);
    f->folder = g_dir_make_tmp("rb-agent-XXXXXX", NULL);
    f->now = NOW;
    f->name = "ada";
    f->bridge = server_new(bridge, f, NULL, NULL);
    f->stop = eventfd(0, EFD_CLOEXEC);
    fill(&f->cli, f);
    fill(&f->asker, f);
    (void)g_setenv("XDG_RUNTIME_DIR", f->folder, TRUE);
    *state = f;
    return 0;
}

static gpointer
run(gpointer data)
{
    Fixture *f = data;

    return GINT_TO_POINTER(rb_agent_run(f->agent, f->stop));
}

static void
begin(Fixture *f)
{
    g_autoptr(GError) error = NULL;

    write_token(f, "T1", 3600);
    f->agent = rb_agent_new(&f->cli, &error);
    if (f->agent == NULL)
        fail_msg("%s", error->message);
    f->thread = g_thread_new("agent", run, f);
}

/* Returns: the agent's exit code. */
static int
ended(Fixture *f)
{
    int status = GPOINTER_TO_INT(g_thread_join(f->thread));

    g_clear_pointer(&f->agent, rb_agent_free);
    f->thread = NULL;
    return status;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;
    guint64 one = 1;

    if (f->thread != NULL) {
        (void)!write(f->stop, &one, sizeof one);
        (void)ended(f);
    }
    server_free(f->bridge);
    rb_cli_clear(&f->cli);
    rb_cli_clear(&f->asker);
    (void)close(f->stop);
    remove_tree(f->folder);
    g_free(f->folder);
    g_mutex_clear(&f->mutex);
    g_free(f);
    return 0;
}

/* What the agent answers: @want is the key's name, or NULL with @refusal or @fault; "": it answers nothing.
 */
static void
expect(Fixture *f, const char *want, RbRefusalCode refusal, RbFaultCode fault)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(RbLease) lease = NULL;
    gboolean answered = rb_agent_lease(&f->asker, "prod", "ds", 0, FALSE, &lease, &error);

    if (answered != (g_strcmp0(want, "") != 0) ||
        (want != NULL && *want != '\0' && (lease == NULL || !g_str_equal(lease->access_key_id, want))) ||
        (refusal != RB_ACCEPTED && !rb_is_refusal(error, refusal)) ||
        (fault != RB_FAULT_NONE && !g_error_matches(error, RB_FAULT, (int)fault)))
        fail_msg("wanted %s, got %s %s", want, lease != NULL ? lease->access_key_id : "none",
                 error != NULL ? error->message : "");
}

static void
test_answers(void **state)
{
    Fixture *f = *state;
    struct stat st;
    g_autofree char *path = rb_agent_socket_path(&f->cli);

    expect(f, "", RB_ACCEPTED, RB_FAULT_NONE); /* there is none yet */
    begin(f);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    pass(f, 3600); /* the lease has ended */
    expect(f, "ASIA2", RB_ACCEPTED, RB_FAULT_NONE);
    assert_true(rb_agent_end(&f->asker));
    assert_int_equal(ended(f), RB_EXIT_OK);
    assert_int_not_equal(stat(path, &st), 0);
    assert_false(rb_agent_end(&f->asker));
}

static void
test_serves_its_own_alone(void **state)
{
    Fixture *f = *state;
    char *bridge_address = f->asker.bridge, *session = f->asker.session;

    begin(f);
    f->asker.bridge = (char *)"https://other.example";
    expect(f, "", RB_ACCEPTED, RB_FAULT_NONE);
    f->asker.bridge = bridge_address;
    f->asker.session = (char *)"other";
    expect(f, "", RB_ACCEPTED, RB_FAULT_NONE);
    f->asker.session = session;
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
}

static void
test_the_person_changes(void **state)
{
    Fixture *f = *state;

    begin(f);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    write_token(f, "T2", 3600); /* renewed: ada's too */
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    set_bridge(f, "ada", TRUE);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE); /* the bridge is not needed for it */
    write_token(f, "T3", 3600);
    expect(f, NULL, RB_ACCEPTED, RB_FAULT_BUSY); /* nobody can say whose that is */
    set_bridge(f, "linus", FALSE);
    expect(f, "ASIA2", RB_ACCEPTED, RB_FAULT_NONE);
}

static void
test_ends_with_the_sign_in(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_token_path(&f->cli);

    begin(f);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    write_token(f, "T1", 0);
    expect(f, NULL, RB_SESSION_EXPIRED, RB_FAULT_NONE);
    write_token(f, "T2", 3600); /* signed in again: it goes on, with nothing of before */
    expect(f, "ASIA2", RB_ACCEPTED, RB_FAULT_NONE);
    assert_int_equal(g_remove(path), 0);
    expect(f, NULL, RB_SESSION_MISSING, RB_FAULT_NONE);
    pass(f, 61);
    assert_int_equal(ended(f), RB_EXIT_SIGN_IN); /* it looks every few seconds */
}

static void
test_wants_a_sign_in(void **state)
{
    Fixture *f = *state;
    g_autoptr(GError) error = NULL;

    assert_null(rb_agent_new(&f->cli, &error));
    assert_true(rb_is_refusal(error, RB_SESSION_MISSING));
}

static const struct {
    const char *name;
    mode_t mode;
    gboolean want;
} folders[] = { { "mine alone", 0700, TRUE },
                { "the group may read", 0740, FALSE },
                { "others may enter", 0701, FALSE },
                { "others may write", 0702, FALSE } };

static void
test_folders(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = g_build_filename(f->folder, "rolebridge", NULL), *target = NULL;

    write_token(f, "T1", 3600);
    assert_int_equal(g_mkdir(path, 0700), 0);
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(RbAgent) agent = NULL;
        assert_int_equal(g_chmod(path, folders[i].mode), 0);
        agent = rb_agent_new(&f->cli, &error);
        if ((agent != NULL) != folders[i].want ||
            (agent == NULL && !g_error_matches(error, RB_FAULT, RB_FAULT_FILE)))
            fail_msg("%s: %s", folders[i].name, error != NULL ? error->message : "accepted");
    }
    remove_tree(path);
    target = g_build_filename(f->folder, "elsewhere", NULL);
    assert_int_equal(g_mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_null(rb_agent_new(&f->cli, NULL)); /* a link leads where others may have made it lead */
}

static const struct {
    const char *name, *sent;
    const char *want; /* in the answer; NULL: none */
} rough[] = {
    { "no JSON", "GET / HTTP/1.1\r\n\r\n", "request.malformed" },
    { "a member twice", "{\"rolebridge\":1,\"rolebridge\":1,\"ask\":\"status\",\"session\":\"corp\"}\n",
      "request.malformed" },
    { "another question", "{\"rolebridge\":1,\"ask\":\"token\",\"session\":\"corp\"}\n",
      "request.malformed" },
    { "two at once", "{\"rolebridge\":1,\"ask\":\"status\",\"session\":\"corp\"}\n{\"rolebridge\":1}\n",
      "request.malformed" },
    { "half a line", "{\"rolebridge\":1,", NULL },
    { "nothing", "", NULL },
    { "bytes", "\xff\xfe\x01\n", "request.malformed" },
};

static void
talk(const char *path, const char *sent, gsize size, GString *got)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char buffer[4096];
    ssize_t n;

    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)send(fd, sent, size, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
        g_string_append_len(got, buffer, n);
    (void)close(fd);
}

static void
test_rough_askers(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_agent_socket_path(&f->cli), *much = g_strnfill(RB_AGENT_QUESTION_MAX + 2, 'x');
    GString *got = g_string_new(NULL);

    begin(f);
    for (gsize i = 0; i < G_N_ELEMENTS(rough); i++) {
        g_string_truncate(got, 0);
        talk(path, rough[i].sent, strlen(rough[i].sent), got);
        if (rough[i].want == NULL ? !g_str_equal(got->str, "\n") : strstr(got->str, rough[i].want) == NULL)
            fail_msg("%s: %s", rough[i].name, got->str);
    }
    g_string_truncate(got, 0);
    talk(path, much, strlen(much), got);
    assert_null(strchr(got->str, '{')); /* too much is not answered */
    g_string_free(got, TRUE);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE); /* and it goes on */
}

/* Somebody who connects and says nothing takes one of many places, for a while. */
static void
test_silent_askers(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_agent_socket_path(&f->cli);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fds[100];

    begin(f);
    (void)g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
        (void)close(fds[i]);
}

/* An agent that was killed leaves its socket; another one takes its place, and two never run. */
static void
test_one_a_session(void **state)
{
    Fixture *f = *state;
    g_autofree char *path = rb_agent_socket_path(&f->cli), *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    assert_int_equal(g_mkdir(folder, 0700), 0);
    assert_true(g_file_set_contents(path, "left behind", -1, NULL));
    begin(f);
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE);
    assert_null(rb_agent_new(&f->asker, &error));
    assert_true(g_error_matches(error, RB_CLI, RB_EXIT_REFUSED));
    expect(f, "ASIA1", RB_ACCEPTED, RB_FAULT_NONE); /* the first one's socket is still there */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_serves_its_own_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_person_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ends_with_the_sign_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wants_a_sign_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rough_askers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_askers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_a_session, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
