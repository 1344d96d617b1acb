#include "rolebridge/picker.h"

#include "base/encoding.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { RECENT_MAX = 20, ROWS_MAX = 12, WORD_MAX = 60, FILE_MAX = 64 * 1024 };

static char *
recent_path(const RbCli *cli)
{
    return g_build_filename(cli->cache_dir, "recent", NULL);
}

GStrv
rb_picker_recent(const RbCli *cli)
{
    g_autofree char *path = recent_path(cli), *text = NULL;
    g_autoptr(GBytes) bytes =
        g_file_test(path, G_FILE_TEST_EXISTS) ? rb_file_read(path, FILE_MAX, NULL) : NULL;

    if (bytes == NULL)
        return g_new0(char *, 1);
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return g_strsplit(g_strchomp(text), "\n", RECENT_MAX);
}

void
rb_picker_remember(const RbCli *cli, const char *account, const char *role)
{
    g_autofree char *path = recent_path(cli), *spec = g_strdup_printf("%s.%s", account, role);
    g_auto(GStrv) recent = rb_picker_recent(cli);
    g_autoptr(GString) text = g_string_new(spec);
    guint kept = 1;

    if (strpbrk(spec, "\r\n") != NULL || g_mkdir_with_parents(cli->cache_dir, 0700) != 0)
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

/* What a row is searched and shown by. */
static char *
row_text(const RbRole *role)
{
    g_autofree char *all = g_strdup_printf("%s.%s  %s", role->account_name, role->role, role->title);

    return rb_text_printable(all, 200);
}

/* Every blank-separated word of @typed must occur in @row, whatever the case. */
static gboolean
matches(const char *row, const char *typed)
{
    g_autofree char *lower = g_utf8_strdown(row, -1), *wanted = g_utf8_strdown(typed, -1);
    g_auto(GStrv) words = g_strsplit(wanted, " ", -1);

    for (char **word = words; *word != NULL; word++)
        if (strstr(lower, *word) == NULL)
            return FALSE;
    return TRUE;
}

/* (transfer container) (element-type RbRole): recent ones first, then the others in their order. */
static GPtrArray *
in_order(const RbCli *cli, const RbRoles *roles)
{
    GPtrArray *order = g_ptr_array_new();
    g_auto(GStrv) recent = rb_picker_recent(cli);

    for (char **spec = recent; *spec != NULL; spec++)
        for (guint i = 0; i < roles->roles->len; i++) {
            RbRole *r = g_ptr_array_index(roles->roles, i);
            g_autofree char *own = g_strdup_printf("%s.%s", r->account_name, r->role);
            if (g_str_equal(own, *spec))
                g_ptr_array_add(order, r);
        }
    for (guint i = 0; i < roles->roles->len; i++)
        if (!g_ptr_array_find(order, g_ptr_array_index(roles->roles, i), NULL))
            g_ptr_array_add(order, g_ptr_array_index(roles->roles, i));
    return order;
}

typedef struct {
    GPtrArray *order;
    GPtrArray *shown; /* of order, what matches the typed words */
    char typed[WORD_MAX + 1];
    gsize n_typed;
    guint at; /* of shown */
    guint drawn_rows;
} Picker;

static void
filter(Picker *p)
{
    g_ptr_array_set_size(p->shown, 0);
    for (guint i = 0; i < p->order->len; i++) {
        g_autofree char *row = row_text(g_ptr_array_index(p->order, i));
        if (matches(row, p->typed))
            g_ptr_array_add(p->shown, g_ptr_array_index(p->order, i));
    }
    if (p->at >= p->shown->len)
        p->at = p->shown->len > 0 ? p->shown->len - 1 : 0;
}

static guint
columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Draws on stderr below the prompt, then puts the cursor back behind what was typed. */
static void
draw(Picker *p)
{
    guint first = p->at >= ROWS_MAX ? p->at - ROWS_MAX + 1 : 0, width = columns();

    fprintf(stderr, "\r\033[JRole (type to filter, \u2191\u2193, Enter, Esc): %s\033[s", p->typed);
    p->drawn_rows = 0;
    for (guint i = first; i < p->shown->len && i < first + ROWS_MAX; i++, p->drawn_rows++) {
        g_autofree char *row = row_text(g_ptr_array_index(p->shown, i));
        g_autofree char *cut = g_utf8_substring(row, 0, MIN(g_utf8_strlen(row, -1), (glong)width - 4));
        fprintf(stderr, "\r\n%s %s%s", i == p->at ? "\033[7m>" : " ", cut, i == p->at ? "\033[0m" : "");
    }
    if (p->shown->len == 0) {
        fprintf(stderr, "\r\n  none of your %u roles matches", p->order->len);
        p->drawn_rows = 1;
    }
    fprintf(stderr, "\033[%uA\r\033[%dC", p->drawn_rows,
            (int)(g_utf8_strlen("Role (type to filter, \u2191\u2193, Enter, Esc): ", -1) +
                  g_utf8_strlen(p->typed, -1)));
    fflush(stderr);
}

typedef enum { PICK_GOES_ON, PICK_DONE, PICK_GIVEN_UP } PickState;

static PickState
escape_sequence(Picker *p)
{
    char rest[2] = { 0 };
    struct termios quick, now;
    ssize_t n;

    (void)tcgetattr(STDIN_FILENO, &now);
    quick = now;
    quick.c_cc[VMIN] = 0;
    quick.c_cc[VTIME] = 1; /* a lone Esc is followed by nothing within 0.1 s */
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &quick);
    n = read(STDIN_FILENO, rest, 2);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &now);
    if (n < 2)
        return PICK_GIVEN_UP;
    if (rest[1] == 'A' && p->at > 0)
        p->at--;
    else if (rest[1] == 'B' && p->at + 1 < p->shown->len)
        p->at++;
    return PICK_GOES_ON;
}

static PickState
on_key(Picker *p, char key)
{
    if (key == '\r' || key == '\n')
        return p->shown->len > 0 ? PICK_DONE : PICK_GOES_ON;
    if (key == 3 || key == 4)
        return PICK_GIVEN_UP;
    if (key == 27)
        return escape_sequence(p);
    if (key == 127 || key == 8) {
        while (p->n_typed > 0 && ((guchar)p->typed[p->n_typed - 1] & 0xc0) == 0x80)
            p->n_typed--; /* the rest of a character of several bytes */
        if (p->n_typed > 0)
            p->n_typed--;
    } else if (key == 21)
        p->n_typed = 0;
    else if ((guchar)key >= 32 && p->n_typed < WORD_MAX)
        p->typed[p->n_typed++] = key;
    p->typed[p->n_typed] = '\0';
    p->at = 0;
    filter(p);
    return PICK_GOES_ON;
}

static const RbRole *
pick(Picker *p)
{
    struct termios before, raw;
    PickState state = PICK_GOES_ON;
    char key;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return NULL;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    filter(p);
    while (state == PICK_GOES_ON) {
        draw(p);
        state = read(STDIN_FILENO, &key, 1) == 1 ? on_key(p, key) : PICK_GIVEN_UP;
    }
    fputs("\r\033[J", stderr);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return state == PICK_DONE ? g_ptr_array_index(p->shown, p->at) : NULL;
}

const RbRole *
rb_picker_choose(RbCli *cli, const RbRoles *roles, GError **error)
{
    Picker p = { 0 };
    const RbRole *role;

    if (roles->roles->len == 0) {
        (void)rb_refuse(error, RB_MAPPING_NOT_ASSIGNED, "no role is yours at the moment");
        return NULL;
    }
    if (!cli->asks) {
        (void)rb_refuse(error, RB_REQUEST_MALFORMED,
                        "say which role: ACCOUNT.ROLE; 'rolebridge roles' lists them");
        return NULL;
    }
    p.order = in_order(cli, roles);
    p.shown = g_ptr_array_new();
    role = pick(&p);
    g_ptr_array_unref(p.order);
    g_ptr_array_unref(p.shown);
    if (role == NULL)
        (void)rb_refuse(error, RB_REQUEST_MALFORMED, "no role was picked");
    return role;
}
