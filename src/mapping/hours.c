#include "mapping/condition.h"

#include "base/encoding.h"

#include <string.h>

enum { EVERY_DAY = 0x7f, DAY_MINUTES = 24 * 60 };

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL };
static const char *const day_shown[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static gint
day_index(const char *name)
{
    for (gint i = 0; day_names[i] != NULL; i++)
        if (g_ascii_strcasecmp(day_names[i], name) == 0)
            return i;
    return -1;
}

/* "fri" or "fri-mon", added to @days. */
static gboolean
add_days(const char *text, guint *days)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    gint first = ends[0] == NULL ? -1 : day_index(ends[0]);
    gint last = ends[0] == NULL || ends[1] == NULL ? first : day_index(ends[1]);

    if (first < 0 || last < 0)
        return FALSE;
    for (gint day = first;; day = (day + 1) % 7) {
        *days |= 1u << day;
        if (day == last)
            return TRUE;
    }
}

static gboolean
read_days(const RbYaml *node, guint *days, RbDiagnostics *problems)
{
    const RbYaml *value = rb_yaml_get(node, "days");
    guint before = rb_diagnostics_count(problems);
    g_auto(GStrv) names = rb_yaml_strings(node, "days", problems);

    *days = value == NULL ? EVERY_DAY : 0;
    for (guint i = 0; names[i] != NULL; i++)
        if (!add_days(names[i], days)) {
            g_autofree char *quoted = rb_text_quote(names[i]);
            rb_yaml_problem(value, problems, "write mon-fri, or a list like [mon, wed]",
                            "%s is not a day or a range of days", quoted);
        }
    if (rb_diagnostics_count(problems) == before && *days == 0)
        rb_yaml_problem(value, problems, "leave 'days' out for every day", "no day at all");
    return rb_diagnostics_count(problems) == before;
}

/* "HH:MM" up to 24:00 at @text; -1 when it is not. */
static gint
minute_of(const char *text)
{
    gint hour, minute;

    if (strlen(text) < 5 || !g_ascii_isdigit(text[0]) || !g_ascii_isdigit(text[1]) || text[2] != ':' ||
        !g_ascii_isdigit(text[3]) || !g_ascii_isdigit(text[4]))
        return -1;
    hour = (text[0] - '0') * 10 + text[1] - '0';
    minute = (text[3] - '0') * 10 + text[4] - '0';
    return minute > 59 || hour * 60 + minute > DAY_MINUTES ? -1 : hour * 60 + minute;
}

static gboolean
read_between(const RbYaml *node, RbHours *hours, RbDiagnostics *problems)
{
    const RbYaml *value = rb_yaml_get(node, "between");
    const char *text = rb_yaml_string(node, "between", "00:00-24:00", problems);
    g_autofree char *quoted = rb_text_quote(text);

    hours->start = strlen(text) == 11 && text[5] == '-' ? minute_of(text) : -1;
    hours->end = hours->start < 0 ? -1 : minute_of(text + 6);
    if (hours->start >= 0 && hours->end >= 0 && hours->start != hours->end && hours->start < DAY_MINUTES)
        return TRUE;
    rb_yaml_problem(value != NULL ? value : node, problems,
                    "write \"07:00-19:00\"; \"22:00-06:00\" goes over midnight", "%s is not a range of times",
                    quoted);
    return FALSE;
}

static gboolean
read_zone(const RbYaml *node, RbHours *hours, RbDiagnostics *problems)
{
    const RbYaml *value = rb_yaml_get(node, "zone");
    const char *name = rb_yaml_string(node, "zone", NULL, problems);
    g_autofree char *quoted = rb_text_quote(name);

    if (*name == '\0')
        return FALSE;
    /* A name, never a path: GLib would open the file. */
    hours->zone = *name == '/' || strstr(name, "..") != NULL ? NULL : g_time_zone_new_identifier(name);
    if (hours->zone != NULL)
        return TRUE;
    rb_yaml_problem(value, problems, "write a name like Europe/Berlin or UTC",
                    "this machine knows no time zone %s", quoted);
    return FALSE;
}

/* "Mon-Fri" for a run of days, "Mon, Wed" otherwise, nothing for every day. */
static void
append_days(GString *out, guint days)
{
    if (days == EVERY_DAY)
        return;
    for (guint first = 0; first < 7; first++) {
        guint last = first;
        if ((days >> first & 1) == 0)
            continue;
        while (last < 6 && (days >> (last + 1) & 1) != 0)
            last++;
        g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", day_shown[first]);
        if (last > first)
            g_string_append_printf(out, "-%s", day_shown[last]);
        first = last;
    }
    g_string_append_c(out, ' ');
}

gboolean
rb_hours_read(const RbYaml *node, RbHours *hours, char **words, RbDiagnostics *problems)
{
    static const char *const known[] = { "days", "between", "zone", NULL };
    RbHours h = { 0 };
    GString *out;
    gboolean ok;

    if (!rb_yaml_expect(node, RB_YAML_MAP, problems))
        return FALSE;
    ok = rb_yaml_check_keys(node, known, problems);
    if (rb_yaml_get(node, "days") == NULL && rb_yaml_get(node, "between") == NULL) {
        rb_yaml_problem(node, problems, "name 'days' or 'between'", "hours without any limit");
        ok = FALSE;
    }
    ok = read_days(node, &h.days, problems) && ok;
    ok = read_between(node, &h, problems) && ok;
    ok = read_zone(node, &h, problems) && ok;
    if (!ok) {
        g_clear_pointer(&h.zone, g_time_zone_unref);
        return FALSE;
    }
    out = g_string_new(NULL);
    append_days(out, h.days);
    g_string_append_printf(out, "%02d:%02d-%02d:%02d %s", h.start / 60, h.start % 60, h.end / 60, h.end % 60,
                           g_time_zone_get_identifier(h.zone));
    *words = g_string_free(out, FALSE);
    *hours = h;
    return TRUE;
}

gboolean
rb_hours_hold(const RbHours *hours, gint64 now, char **there)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(now);
    g_autoptr(GDateTime) local = utc == NULL ? NULL : g_date_time_to_timezone(utc, hours->zone);
    gint minute;
    guint today, yesterday;

    if (local == NULL) {
        *there = g_strdup("no time that a calendar has");
        return FALSE;
    }
    minute = g_date_time_get_hour(local) * 60 + g_date_time_get_minute(local);
    today = (guint)g_date_time_get_day_of_week(local) - 1;
    yesterday = (today + 6) % 7;
    *there = g_strdup_printf("%s %02d:%02d", day_shown[today], minute / 60, minute % 60);
    if (hours->start < hours->end)
        return (hours->days >> today & 1) != 0 && minute >= hours->start && minute < hours->end;
    /* over midnight: the morning belongs to the day before */
    return ((hours->days >> today & 1) != 0 && minute >= hours->start) ||
           ((hours->days >> yesterday & 1) != 0 && minute < hours->end);
}
