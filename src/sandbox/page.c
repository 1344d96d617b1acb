#include "sandbox/page.h"

#include "base/secret.h"

#include <string.h>

/* clang-format off */
static const char style[] =
    ":root{--ink:#1d2733;--soft:#5b6775;--line:#d8dee6;--card:#fff;--back:#eef1f5;--mark:#2457a6}"
    "body.aws{--mark:#954805;--back:#f4f1ec}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#a3afbd;--line:#3a4654;--card:#1c242e;--back:#12181f;--mark:#7fb0f5}"
    "body.aws{--mark:#f0a860;--back:#171410}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "header{background:var(--card);border-bottom:3px solid var(--mark);padding:.8rem 1.5rem;display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap}"
    "header b{font-size:1.15rem}header span{color:var(--soft);font-size:.9rem}"
    "main{max-width:46rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;margin:0 0 1rem}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.5rem;margin-bottom:1.5rem}"
    "label{display:block;font-weight:600;margin:.8rem 0 .2rem}"
    "input[type=text],input[type=password]{width:100%;font:inherit;color:inherit;background:var(--back);border:1px solid var(--soft);border-radius:.3rem;padding:.5rem .6rem}"
    "button,.button{font:inherit;font-weight:600;background:var(--mark);color:var(--card);border:1px solid var(--mark);border-radius:.3rem;padding:.55rem 1rem;cursor:pointer;text-decoration:none;display:inline-block}"
    "button.quiet{background:none;color:var(--ink);border-color:var(--soft)}"
    ".card>:first-child,.card>.wide:first-child>:first-child{margin-top:0}.card>:last-child{margin-bottom:0}"
    ".row{display:flex;gap:.7rem;flex-wrap:wrap;margin-top:1.2rem}"
    "input:focus,button:focus-visible,a:focus-visible{outline:3px solid var(--mark);outline-offset:2px}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}"
    "th{font-size:.85rem;color:var(--soft);font-weight:600;white-space:nowrap}code{overflow-wrap:anywhere}"
    "code{font:.9em ui-monospace,monospace}a{color:var(--mark)}.soft{color:var(--soft);font-size:.9rem}"
    ".wide{overflow-x:auto}.groups{white-space:nowrap}.problem{border-left:4px solid #c0392b;padding-left:.8rem}";
/* clang-format on */

void
rb_box_page_add(RbBoxPage *page, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_markup_vprintf_escaped(format, args);
    va_end(args);
    g_string_append(page->html, text);
}

void
rb_box_page_begin(RbBoxPage *page, const char *kind, const char *title)
{
    g_autoptr(RbSecret) nonce = rb_secret_new_random(24);
    gboolean idp = strcmp(kind, "idp") == 0;

    page->html = g_string_new(NULL);
    g_strlcpy(page->nonce, rb_secret_reveal(nonce), sizeof page->nonce);
    g_string_append_printf(
        page->html,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><style nonce=\"%s\">%s</style>",
        page->nonce, style);
    rb_box_page_add(
        page, "<title>%s</title></head><body class=\"%s\"><header><b>%s</b><span>%s</span></header><main>",
        title, kind, idp ? "Acme sign-in" : "Sandbox cloud",
        idp ? "rolebridge-sandbox: a made-up identity provider" : "rolebridge-sandbox: not AWS");
    rb_box_page_add(page, "<h1>%s</h1>", title);
}

void
rb_box_page_end(RbBoxPage *page, RbBoxAnswer *answer, int status)
{
    g_autofree char *policy =
        g_strdup_printf("default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; "
                        "base-uri 'none'; frame-ancestors 'none'",
                        page->nonce, page->nonce);

    g_string_append(page->html, "</main></body></html>\n");
    answer->status = status;
    answer->content_type = "text/html; charset=utf-8";
    g_string_append(answer->body, page->html->str);
    rb_box_answer_header(answer, "Content-Security-Policy", policy);
    rb_box_answer_header(answer, "Cache-Control", "no-store");
    rb_box_answer_header(answer, "Referrer-Policy", "no-referrer");
    rb_box_answer_header(answer, "X-Content-Type-Options", "nosniff");
    g_string_free(page->html, TRUE);
}

void
rb_box_page_problem(RbBoxAnswer *answer, const char *kind, int status, const char *what, const char *next)
{
    RbBoxPage page;

    rb_box_page_begin(&page, kind, status < 400 ? "Done" : "That did not work");
    rb_box_page_add(&page, "<div class=\"card%s\"><p>%s</p><p class=\"soft\">%s</p></div>",
                    status < 400 ? "" : " problem", what, next);
    rb_box_page_end(&page, answer, status);
}
