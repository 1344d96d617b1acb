#ifndef RB_SANDBOX_BOX_H
#define RB_SANDBOX_BOX_H

#include "base/clock.h"
#include "sandbox/config.h"
#include "sandbox/idp.h"
#include "sandbox/sts.h"

/* A corporation and an AWS in one box: what stands behind every address. */

typedef struct RbBox RbBox;

/** rb_box_new: @config is taken over. Reports what is wrong with the mapping; NULL then or with @error. */
RbBox *rb_box_new(RbBoxConfig *config, RbClock clock, RbDiagnostics *problems, GError **error);
void rb_box_free(RbBox *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RbBox, rb_box_free)

/** rb_box_answer: an RbBoxHandler; @box is the RbBox. */
void rb_box_answer(gpointer box, const RbBoxRequest *request, RbBoxAnswer *answer);

/** rb_box_load_ci: the CI of @config, for its tokens; key NULL: it has none. rb_box_ci_clear() frees. */
gboolean rb_box_load_ci(const RbBoxConfig *config, RbBoxCi *ci, GError **error);
void rb_box_ci_clear(RbBoxCi *ci);

guint rb_box_n_roles(const RbBox *box);

/* ---- the parts of it (federation.c, credentials.c) ---- */

/** RbBoxConsole: the sign-in endpoint and the console behind it. */
typedef struct RbBoxConsole RbBoxConsole;
RbBoxConsole *rb_box_console_new(RbBoxCloud *cloud, const char *public_url);
void rb_box_console_free(RbBoxConsole *console);

/** rb_box_console_answer: /federation and /console. Returns: FALSE when it is something else. */
gboolean rb_box_console_answer(RbBoxConsole *console, const RbBoxRequest *request, gint64 now,
                               RbBoxAnswer *answer);

/** rb_box_console_enter: signs @who in, by a cookie, and leads to @destination if it is this console's. */
void rb_box_console_enter(RbBoxConsole *console, RbBoxPrincipal *who, const char *issuer,
                          const char *destination, gint64 now, RbBoxAnswer *answer);

/** RbBoxLender: hands the bridge's role session to whoever shows the token, as containers' hosts do. */
typedef struct RbBoxLender RbBoxLender;
RbBoxLender *rb_box_lender_new(RbBoxCloud *cloud, const RbBoxRole *role, const RbSecret *token);
void rb_box_lender_free(RbBoxLender *lender);
void rb_box_lender_answer(RbBoxLender *lender, const RbBoxRequest *request, gint64 now, RbBoxAnswer *answer);

#endif
