#include "base/refusal.h"

/* clang-format off */ /* it would put spaces into the names */
G_DEFINE_QUARK(rb-refusal, rb_refusal)
G_DEFINE_QUARK(rb-fault, rb_fault)
/* clang-format on */

/* Before there are threads: the macros' own first call is not made for two at once. */
__attribute__((constructor)) static void
know_domains(void)
{
    (void)rb_refusal_quark();
    (void)rb_fault_quark();
}

static const RbOutcome outcomes[] = {
#define X(code, id, status, what, next) { id, status, what, next },
    RB_REFUSALS(X) RB_FAULTS(X)
#undef X
        { NULL, 0, NULL, NULL }
};

static void
set_error(GError **error, GQuark domain, int code, const char *format, va_list args)
{
    g_autofree char *message = g_strdup_vprintf(format, args);

    g_set_error_literal(error, domain, code, message);
}

gboolean
rb_refuse(GError **error, RbRefusalCode code, const char *format, ...)
{
    va_list args;

    g_return_val_if_fail(code > RB_ACCEPTED && code < RB_N_REFUSALS, FALSE);
    va_start(args, format);
    set_error(error, RB_REFUSAL, (int)code, format, args);
    va_end(args);
    return FALSE;
}

gboolean
rb_fault(GError **error, RbFaultCode code, const char *format, ...)
{
    va_list args;

    g_return_val_if_fail(code > RB_FAULT_NONE && code < RB_N_FAULTS, FALSE);
    va_start(args, format);
    set_error(error, RB_FAULT, (int)code, format, args);
    va_end(args);
    return FALSE;
}

const RbOutcome *
rb_outcome(const GError *error)
{
    const RbOutcome *faults = outcomes + RB_N_REFUSALS - 1;

    if (error->domain == RB_REFUSAL && error->code > RB_ACCEPTED && error->code < RB_N_REFUSALS)
        return outcomes + error->code - 1;
    if (error->domain == RB_FAULT && error->code > RB_FAULT_NONE && error->code < RB_N_FAULTS)
        return faults + error->code - 1;
    return faults + RB_FAULT_INTERNAL - 1;
}

const RbOutcome *
rb_outcome_by_id(const char *id)
{
    for (const RbOutcome *o = outcomes; o->id != NULL; o++)
        if (g_str_equal(o->id, id))
            return o;
    return NULL;
}

gboolean
rb_refuse_by_id(GError **error, const char *id, const char *message)
{
    const RbOutcome *outcome = rb_outcome_by_id(id);
    gssize i = outcome == NULL ? -1 : outcome - outcomes;

    if (i < 0)
        return rb_fault(error, RB_FAULT_INTERNAL, "%s (%s)", message, id);
    if (i < RB_N_REFUSALS - 1)
        return rb_refuse(error, (RbRefusalCode)(i + 1), "%s", message);
    return rb_fault(error, (RbFaultCode)(i - (RB_N_REFUSALS - 1) + 1), "%s", message);
}

const RbOutcome *
rb_outcomes(void)
{
    return outcomes;
}

gboolean
rb_is_refusal(const GError *error, RbRefusalCode code)
{
    return g_error_matches(error, RB_REFUSAL, (int)code);
}

/* Each of these writes its reason for the person: see where it is refused. */
static const RbRefusalCode open_reasons[] = { RB_STS_DURATION, RB_QUERY_MISSING, RB_QUERY_INVALID };

const char *
rb_outcome_detail(const GError *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(open_reasons); i++)
        if (rb_is_refusal(error, open_reasons[i]))
            return error->message;
    return NULL;
}
