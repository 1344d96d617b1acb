#include "base/process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void
rb_process_harden(int keep_umask)
{
    static const char *const weakening[] = { "LASSO_FLAG", "LASSO_DEBUG", "XMLSEC_CRYPTO",
                                             "G_MESSAGES_DEBUG" };
    const struct rlimit none = { 0, 0 };

    (void)prctl(PR_SET_DUMPABLE, 0); /* the limit below holds where this is refused */
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!keep_umask)
        (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < sizeof weakening / sizeof weakening[0]; i++)
        (void)unsetenv(weakening[i]);
}
