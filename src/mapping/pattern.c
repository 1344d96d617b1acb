#include "mapping/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum { MAX_CAPTURES = 32 };

struct RbPattern {
    pcre2_code *code;
    char *head, *tail; /* literal text at the start and end of every match; may be "" */
    gsize tail_length;
    GStrv captures;
};

/* Reads an expression from left to right as far as is needed to know its literal ends. */
typedef struct {
    const char *p;
    GString *run;   /* literal characters since the last thing that is not one */
    gsize last;     /* bytes of the last character of the run, which a quantifier takes away */
    char *head;     /* the first run, once it has ended */
    gboolean plain; /* FALSE: something was met that makes the ends unknown */
} Scan;

static void
end_run(Scan *s)
{
    if (s->head == NULL)
        s->head = g_strdup(s->run->str);
    g_string_truncate(s->run, 0);
    s->last = 0;
}

static void
add_literal(Scan *s, const char *text, gsize n)
{
    g_string_append_len(s->run, text, (gssize)n);
    s->last = n;
}

/* What follows a backslash. Only punctuation and the plain classes are understood. */
static void
scan_escape(Scan *s)
{
    if (*s->p != '\0' && (g_ascii_ispunct(*s->p) || *s->p == ' ')) {
        add_literal(s, s->p++, 1);
        return;
    }
    s->plain = s->plain && *s->p != '\0' && strchr("dDwWsS", *s->p) != NULL;
    end_run(s);
    if (*s->p != '\0')
        s->p++;
}

/* Skips a class: "]" first in it is a member, and "[:" may open a name that holds a "]". */
static void
scan_class(Scan *s)
{
    end_run(s);
    if (*s->p == '^')
        s->p++;
    if (*s->p == ']')
        s->p++;
    while (*s->p != '\0' && *s->p != ']') {
        const char *name_end = *s->p == '[' && s->p[1] == ':' ? strstr(s->p + 2, ":]") : NULL;
        if (name_end != NULL)
            s->p = name_end + 1;
        else if (*s->p == '\\' && s->p[1] != '\0')
            s->p++;
        s->p++;
    }
    if (*s->p == ']')
        s->p++;
}

/* Skips a group; what may change how the rest is read makes the pattern not plain. */
static void
scan_group(Scan *s)
{
    guint depth = 1;

    end_run(s);
    if (*s->p == '*')
        s->plain = FALSE;
    while (*s->p != '\0' && depth > 0) {
        char c = *s->p++;
        if (c == '?' && s->p[-2] == '(' && strchr("<P:'", *s->p) == NULL)
            s->plain = FALSE;
        if (c == '\\') {
            s->plain = s->plain && *s->p != 'Q';
            s->p += *s->p != '\0';
        } else if (c == '[')
            scan_class(s);
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
    }
}

static void
scan_quantifier(Scan *s, char c)
{
    g_string_truncate(s->run, s->run->len - s->last);
    end_run(s);
    if (c != '{')
        return;
    while (g_ascii_isdigit(*s->p) || *s->p == ',')
        s->p++;
    if (*s->p == '}')
        s->p++;
    else
        s->plain = FALSE;
}

static void
scan_one(Scan *s)
{
    const char *start = s->p;
    char c = *s->p++;

    if (c == '\\')
        scan_escape(s);
    else if (c == '[')
        scan_class(s);
    else if (c == '(')
        scan_group(s);
    else if (strchr("*+?{", c) != NULL)
        scan_quantifier(s, c);
    else if (c == '.' || c == ')')
        end_run(s);
    else if (c == '|' || c == '^' || (c == '$' && *s->p != '\0'))
        s->plain = FALSE;
    else if (c != '$') {
        s->p = g_utf8_next_char(start);
        add_literal(s, start, (gsize)(s->p - start));
    }
}

/* Only looks: PCRE2 has compiled @text before. What is not understood leaves the ends empty, which is slow
 * but right. */
static void
find_ends(RbPattern *pattern, const char *text)
{
    g_autoptr(GString) run = g_string_new(NULL);
    Scan s = { .p = *text == '^' ? text + 1 : text, .run = run, .plain = TRUE };

    while (*s.p != '\0' && s.plain)
        scan_one(&s);
    if (s.plain) {
        pattern->tail = g_strdup(run->str);
        end_run(&s);
        pattern->head = g_steal_pointer(&s.head);
    }
    g_free(s.head);
    if (pattern->head == NULL)
        pattern->head = g_strdup("");
    if (pattern->tail == NULL)
        pattern->tail = g_strdup("");
    pattern->tail_length = strlen(pattern->tail);
}

static void
find_captures(RbPattern *pattern)
{
    GPtrArray *names = g_ptr_array_new();
    guint32 n = 0, size = 0;
    PCRE2_SPTR table = NULL;

    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
    for (guint32 i = 0; i < n; i++) /* two bytes of number, then the name */
        g_ptr_array_add(names, g_strdup((const char *)(table + i * size + 2)));
    g_ptr_array_add(names, NULL);
    pattern->captures = (GStrv)g_ptr_array_free(names, FALSE);
}

static pcre2_code *
compile(const char *text, char **message, gsize *offset)
{
    const guint32 options =
        PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int number;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[200];
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &number, &at, NULL);

    if (code != NULL)
        return code;
    if (pcre2_get_error_message(number, words, sizeof words) < 0)
        g_strlcpy((char *)words, "not a regular expression", sizeof words);
    *message = g_strdup((const char *)words);
    *offset = at;
    return NULL;
}

RbPattern *
rb_pattern_new(const char *text, char **message, gsize *offset)
{
    g_autoptr(RbPattern) pattern = g_new0(RbPattern, 1);
    guint32 groups = 0;

    *offset = 0;
    if (strlen(text) > RB_PATTERN_MAX) {
        *message = g_strdup_printf("longer than %d bytes", RB_PATTERN_MAX);
        return NULL;
    }
    pattern->code = compile(text, message, offset);
    if (pattern->code == NULL)
        return NULL;
    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups > MAX_CAPTURES) {
        *message = g_strdup_printf("more than %d captures", MAX_CAPTURES);
        return NULL;
    }
    (void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* without a JIT it is slower, not wrong */
    find_ends(pattern, text);
    find_captures(pattern);
    return g_steal_pointer(&pattern);
}

void
rb_pattern_free(RbPattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    g_free(pattern->head);
    g_free(pattern->tail);
    g_strfreev(pattern->captures);
    g_free(pattern);
}

const char *
rb_pattern_head(const RbPattern *pattern)
{
    return pattern->head;
}

const char *const *
rb_pattern_captures(const RbPattern *pattern)
{
    return (const char *const *)pattern->captures;
}

void
rb_match_space_clear(RbMatchSpace *space)
{
    pcre2_match_data_free(space->data);
    pcre2_match_context_free(space->context);
    space->data = space->context = NULL;
}

RbMatchResult
rb_pattern_match(const RbPattern *pattern, const char *text, gsize length, RbMatchSpace *space)
{
    int rc;

    if (pattern->tail_length > 0 &&
        (length < pattern->tail_length ||
         memcmp(text + length - pattern->tail_length, pattern->tail, pattern->tail_length) != 0))
        return RB_MATCH_NO;
    if (space->data == NULL) {
        space->data = pcre2_match_data_create(MAX_CAPTURES + 1, NULL);
        space->context = pcre2_match_context_create(NULL);
        if (space->data == NULL || space->context == NULL)
            g_error("out of memory");
        (void)pcre2_set_match_limit(space->context, RB_PATTERN_MATCH_LIMIT);
        (void)pcre2_set_depth_limit(space->context, RB_PATTERN_MATCH_LIMIT);
    }
    rc = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, PCRE2_NO_UTF_CHECK, space->data,
                     space->context);
    return rc >= 0 ? RB_MATCH_YES : rc == PCRE2_ERROR_NOMATCH ? RB_MATCH_NO : RB_MATCH_LIMIT;
}

char *
rb_pattern_capture(const RbPattern *pattern, const char *text, const char *name, const RbMatchSpace *space)
{
    int number = pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)name);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(space->data);

    if (number < 0 || ends[2 * number] == PCRE2_UNSET)
        return NULL;
    return g_strndup(text + ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
}
