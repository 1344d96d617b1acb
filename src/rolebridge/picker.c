#include "rolebridge/picker.h"

#include "base/encoding.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    RECENT_MAX = 20,
    ROWS_MAX = 12,
    WORD_MAX = 60,
    FILE_MAX = 64 * 1024,
    ESC_MS = 100, /* a lone Esc is followed by nothing within that */
};

#define CTRL_KEY(letter) ((letter)&0x1f)

static char *
recent_path(const RbCli *cli)
{
    return g_build_filename(cli->cache_dir, "recent", NULL);
}

GStrv
rb_picker_recent(const RbCli *cli)
{
    g_autofree char *path = recent_path(cli);

    return rb_cli_lines(path, FILE_MAX, RECENT_MAX);
}

void
rb_picker_remember(const RbCli *cli, const char *account, const char *role)
{
    g_autofree char *path = recent_path(cli), *spec = g_strdup_printf("%s.%s", account, role);
    g_auto(GStrv) recent = rb_picker_recent(cli);
    g_autoptr(GString) text = g_string_new(spec);
    guint kept = 1;

    if (strpbrk(spec, "\r\n") != NULL || !rb_cli_make_folder(cli->cache_dir, NULL))
        return;
    g_string_append_c(text, '\n');
    for (char **other = recent; *other != NULL && kept < RECENT_MAX; other++)
        if (**other != '\0' && !g_str_equal(*other, spec)) {
            g_string_append_printf(text, "%s\n", *other);
            kept++;
        }
    (void)rb_file_write(path, text->str, text->len, 0600,
                        NULL); /* a convenience: losing it costs a few keys */
}

typedef struct {
    const RbRole *role;
    char *text;  /* as shown */
    char *lower; /* as searched */
} Row;

static void
row_free(gpointer data)
{
    Row *row = data;

    g_free(row->text);
    g_free(row->lower);
    g_free(row);
}

static void
add_row(GPtrArray *rows, const RbRole *role)
{
    g_autofree char *all = g_strdup_printf("%s.%s  %s", role->account_name, role->role, role->title);
    Row *row = g_new0(Row, 1);

    row->role = role;
    row->text = rb_text_printable(all, 200);
    row->lower = g_utf8_strdown(row->text, -1);
    g_ptr_array_add(rows, row);
}

/* (transfer full) (element-type Row): recent ones first, then the others in their order. */
static GPtrArray *
in_order(const RbCli *cli, const RbRoles *roles)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(row_free);
    g_auto(GStrv) recent = rb_picker_recent(cli);
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);

    for (char **spec = recent; *spec != NULL; spec++)
        for (guint i = 0; i < roles->roles->len; i++) {
            RbRole *r = g_ptr_array_index(roles->roles, i);
            g_autofree char *own = g_strdup_printf("%s.%s", r->account_name, r->role);
            if (g_str_equal(own, *spec) && g_hash_table_add(done, r))
                add_row(rows, r);
        }
    for (guint i = 0; i < roles->roles->len; i++)
        if (!g_hash_table_contains(done, g_ptr_array_index(roles->roles, i)))
            add_row(rows, g_ptr_array_index(roles->roles, i));
    return rows;
}

typedef struct {
    GPtrArray *rows;
    GPtrArray *shown; /* of rows, what matches the typed words */
    char typed[WORD_MAX + 1];
    gsize n_typed;
    guint at; /* of shown */
} Picker;

/* Every blank-separated word that was typed must occur in the row, whatever the case. */
static void
filter(Picker *p)
{
    g_autofree char *wanted = g_utf8_validate(p->typed, -1, NULL) ? g_utf8_strdown(p->typed, -1) : NULL;
    g_auto(GStrv) words = wanted != NULL ? g_strsplit(wanted, " ", -1) : NULL;

    if (words == NULL) /* in the midst of a character of several bytes */
        return;
    g_ptr_array_set_size(p->shown, 0);
    for (guint i = 0; i < p->rows->len; i++) {
        Row *row = g_ptr_array_index(p->rows, i);
        gboolean all = TRUE;
        for (char **word = words; *word != NULL && all; word++)
            all = strstr(row->lower, *word) != NULL;
        if (all)
            g_ptr_array_add(p->shown, row);
    }
    if (p->at >= p->shown->len)
        p->at = p->shown->len > 0 ? p->shown->len - 1 : 0;
}

/* (transfer full): as much of @text as fits @columns. */
static char *
cut(const char *text, guint columns)
{
    const char *end = text;
    guint width = 0;

    while (*end != '\0') {
        gunichar c = g_utf8_get_char(end);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
        if (width > columns)
            break;
        end = g_utf8_next_char(end);
    }
    return g_strndup(text, (gsize)(end - text));
}

/* Draws on stderr below the prompt, then puts the cursor back behind what was typed. No line is as wide as
 * the terminal and there are no more of them than it has: else it would scroll, and the way back up be wrong.
 */
static void
draw(const Picker *p)
{
    struct winsize size = { 0 };
    gboolean known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    guint width = known ? size.ws_col : 80, height = known ? size.ws_row : 24, drawn = 0;
    guint most = CLAMP(height > 2 ? height - 2 : 1, 1, ROWS_MAX),
          first = p->at >= most ? p->at - most + 1 : 0;
    const char *prompt = width > 70 ? "Role (type to filter, \u2191\u2193, Enter, Esc): " : "Role: ";
    g_autofree char *valid = g_utf8_make_valid(p->typed, -1), *line = g_strconcat(prompt, valid, NULL);
    g_autofree char *top = cut(line, width - 1);

    fprintf(stderr, "\r\033[J%s", top);
    for (guint i = first; i < p->shown->len && drawn < most; i++, drawn++) {
        g_autofree char *row =
            cut(((const Row *)g_ptr_array_index(p->shown, i))->text, width > 4 ? width - 4 : 1);
        fprintf(stderr, "\r\n%s %s%s", i == p->at ? "\033[7m>" : " ", row, i == p->at ? "\033[0m" : "");
    }
    if (p->shown->len == 0 && height > 1)
        drawn = (guint)(fprintf(stderr, "\r\n  none of your %u roles matches", p->rows->len) > 0);
    if (drawn > 0)
        fprintf(stderr, "\033[%uA", drawn);
    fprintf(stderr, "\r\033[%uC", MAX(rb_cli_width(top), 1));
    (void)fflush(stderr);
}

typedef enum { PICK_GOES_ON, PICK_DONE, PICK_GIVEN_UP, PICK_INTERRUPTED } PickState;

static void
move(Picker *p, gint64 by)
{
    if (p->shown->len > 0)
        p->at = (guint)CLAMP((gint64)p->at + by, 0, (gint64)p->shown->len - 1);
}

/* The next key within @wait_ms (-1: however long it takes). Returns: it, or -1 */
static int
next_key(int wait_ms)
{
    struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
    guchar key;

    return poll(&ready, 1, wait_ms) == 1 && read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}

/* What follows an Esc at once: ESC [ A, ESC O A, ESC [ 1 ; 5 A, ESC [ 5 ~. Alone it gives up. */
static PickState
escape_sequence(Picker *p)
{
    int key = next_key(ESC_MS), parameter = 0;

    if (key < 0)
        return PICK_GIVEN_UP;
    if (key != '[' && key != 'O')
        return PICK_GOES_ON;
    while ((key = next_key(ESC_MS)) >= 0 && (key < 0x40 || key > 0x7e))
        if (g_ascii_isdigit(key) && parameter < 100)
            parameter = parameter * 10 + key - '0';
    if (key == 'A')
        move(p, -1);
    else if (key == 'B')
        move(p, 1);
    else if (key == '~' && parameter == 5)
        move(p, -ROWS_MAX);
    else if (key == '~' && parameter == 6)
        move(p, ROWS_MAX);
    else if (key == 'H' || key == 'F')
        move(p, key == 'H' ? -G_MAXINT32 : G_MAXINT32);
    return PICK_GOES_ON;
}

static void
rub_out(Picker *p)
{
    while (p->n_typed > 0 && ((guchar)p->typed[p->n_typed - 1] & 0xc0) == 0x80)
        p->n_typed--; /* the rest of a character of several bytes */
    if (p->n_typed > 0)
        p->n_typed--;
}

static PickState
on_key(Picker *p, int key)
{
    if (key == '\r' || key == '\n')
        return p->shown->len > 0 ? PICK_DONE : PICK_GOES_ON;
    if (key == CTRL_KEY('c'))
        return PICK_INTERRUPTED;
    if (key == CTRL_KEY('d'))
        return PICK_GIVEN_UP;
    if (key == 27)
        return escape_sequence(p);
    if (key == CTRL_KEY('p') || key == CTRL_KEY('n')) {
        move(p, key == CTRL_KEY('p') ? -1 : 1);
        return PICK_GOES_ON;
    }
    if (key == 127 || key == 8)
        rub_out(p);
    else if (key == CTRL_KEY('u'))
        p->n_typed = 0;
    else if (key >= 32 && p->n_typed < WORD_MAX)
        p->typed[p->n_typed++] = (char)key;
    else
        return PICK_GOES_ON;
    p->typed[p->n_typed] = '\0';
    p->at = 0;
    filter(p);
    return PICK_GOES_ON;
}

/* A signal handler has nothing to reach but this: which signal came last, and which asked for the end. */
static volatile sig_atomic_t ending;

static void
on_signal(int number)
{
    if (number != SIGWINCH)
        ending = number;
}

static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

/* Runs the list with @unblocked signals let in only while it waits for a key: none can slip by unseen. */
static PickState
pick_keys(Picker *p, const sigset_t *unblocked)
{
    PickState state = PICK_GOES_ON;

    while (state == PICK_GOES_ON) {
        struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
        guchar key;
        draw(p);
        if (ppoll(&ready, 1, NULL, unblocked) < 0) {
            if (errno != EINTR || ending != 0)
                state = PICK_GIVEN_UP;
            continue; /* another size: drawn anew */
        }
        state = read(STDIN_FILENO, &key, 1) == 1 ? on_key(p, key) : PICK_GIVEN_UP;
    }
    return state;
}

/* The terminal is as it was whatever ends this: a key, the end of input, a signal. */
static PickState
pick(Picker *p)
{
    struct sigaction action = { .sa_handler = on_signal }, old[G_N_ELEMENTS(handled)];
    struct termios before, raw;
    sigset_t blocked, unblocked;
    PickState state;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return PICK_GIVEN_UP;
    (void)sigemptyset(&blocked);
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        (void)sigaddset(&blocked, handled[i]);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &unblocked);
    ending = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        (void)sigaction(handled[i], &action, &old[i]);
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    filter(p);
    state = pick_keys(p, &unblocked);
    fputs("\r\033[J", stderr);
    (void)fflush(stderr);
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    for (gsize i = 0; i < G_N_ELEMENTS(handled); i++)
        (void)sigaction(handled[i], &old[i], NULL);
    (void)pthread_sigmask(SIG_SETMASK, &unblocked, NULL);
    if (state == PICK_INTERRUPTED)
        ending = SIGINT;
    if (ending != 0)
        (void)raise(ending); /* now as if this had never been caught: a shell sees what ended us */
    return state;
}

const RbRole *
rb_picker_choose(RbCli *cli, const RbRoles *roles, GError **error)
{
    Picker p = { 0 };
    const RbRole *role = NULL;

    if (roles->roles->len == 0) {
        (void)rb_refuse(error, RB_MAPPING_NOT_ASSIGNED, "no role is yours at the moment");
        return NULL;
    }
    if (!cli->asks) {
        (void)rb_cli_stop(error, RB_EXIT_USAGE,
                          "say which role: ACCOUNT.ROLE; 'rolebridge roles' lists them");
        return NULL;
    }
    p.rows = in_order(cli, roles);
    p.shown = g_ptr_array_new();
    if (pick(&p) == PICK_DONE)
        role = ((const Row *)g_ptr_array_index(p.shown, p.at))->role;
    g_ptr_array_unref(p.shown);
    g_ptr_array_unref(p.rows);
    if (role == NULL)
        (void)rb_cli_stop(error, RB_EXIT_REFUSED, "no role was picked");
    return role;
}
