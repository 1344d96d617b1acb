<?xml version="1.0" encoding="UTF-8"?>
<!-- Every page, one template each. The value behind a page is an element named for it (page.c); text placed with
     value-of or {…} is always text, never markup. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:strip-space elements="*"/>

  <!-- ==== the frame: each page gives its title and its content ==== -->
  <xsl:template match="/*">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:apply-templates select="." mode="title"/> · rolebridge</title>
        <link rel="stylesheet" href="/assets/style.css"/>
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml"/>
      </head>
      <body>
        <header>
          <a class="brand" href="/"><img src="/assets/icon.svg" alt=""/>rolebridge</a>
          <xsl:if test="/*/person">
            <span class="who">Signed in as <bdi><xsl:value-of select="/*/person"/></bdi></span>
            <form method="post" action="/logout">
              <input type="hidden" name="csrf" value="{/*/csrf}"/>
              <button class="plain" type="submit">Sign out</button>
            </form>
          </xsl:if>
        </header>
        <main>
          <h1><xsl:apply-templates select="." mode="title"/></h1>
          <xsl:apply-templates select="." mode="content"/>
        </main>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="tone"><!-- of an environment: production must be unmistakable -->
    <xsl:param name="environment"/>
    <xsl:variable name="lower" select="translate($environment, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"/>
    <xsl:choose>
      <xsl:when test="starts-with($lower, 'prod') or $lower = 'live'">prod</xsl:when>
      <xsl:when test="starts-with($lower, 'stag') or starts-with($lower, 'test') or $lower = 'qa' or $lower = 'uat' or starts-with($lower, 'pre')">test</xsl:when>
      <xsl:when test="starts-with($lower, 'dev') or $lower = 'sandbox'">dev</xsl:when>
      <xsl:otherwise>other</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- ==== signing in and out ==== -->
  <xsl:template match="/sign-in" mode="title">Sign in</xsl:template>
  <xsl:template match="/sign-in" mode="content">
    <div class="card narrow">
      <xsl:choose>
        <xsl:when test="provider">
          <p>Choose where your organisation keeps your account.</p>
          <ul class="choices">
            <xsl:for-each select="provider">
              <li><a class="button" href="{url}"><bdi><xsl:value-of select="title"/></bdi></a></li>
            </xsl:for-each>
          </ul>
        </xsl:when>
        <xsl:otherwise>
          <p>No identity provider is set up here, so nobody can sign in.</p>
          <p>Ask your administrator to add one under <code>identity_providers</code> in rolebridge.yaml.</p>
        </xsl:otherwise>
      </xsl:choose>
    </div>
  </xsl:template>

  <xsl:template match="/signed-out" mode="title">You are signed out</xsl:template>
  <xsl:template match="/signed-out" mode="content">
    <div class="card narrow">
      <p>Your session here has ended. AWS sessions that were already handed out run until their own end.</p>
      <xsl:choose>
        <xsl:when test="idp">
          <p>You are being taken to your organisation's sign-in to end your session there too.</p>
          <p class="row"><a class="button" href="{idp}">Continue</a></p>
        </xsl:when>
        <xsl:otherwise>
          <p class="row"><a class="button" href="/">Sign in again</a></p>
        </xsl:otherwise>
      </xsl:choose>
    </div>
  </xsl:template>

  <!-- ==== the roles ==== -->
  <xsl:template match="/roles" mode="title">Your roles</xsl:template>
  <xsl:template match="/roles" mode="content">
    <xsl:if test="not(account)">
      <div class="card">
        <xsl:choose>
          <xsl:when test="miss">
            <p>No role is open to you right now. What is missing for each is below.</p>
          </xsl:when>
          <xsl:otherwise>
            <p>None of your groups brings a role in any account. Groups that your sign-in named: <xsl:value-of select="groups"/>.</p>
            <p>Ask the owner of the role you need to add one of your groups; sign in again afterwards.</p>
          </xsl:otherwise>
        </xsl:choose>
      </div>
    </xsl:if>
    <xsl:apply-templates select="account"/>
    <xsl:if test="miss">
      <section class="card">
        <h2>Just out of reach</h2>
        <xsl:apply-templates select="miss"/>
      </section>
    </xsl:if>
    <xsl:if test="account">
      <section class="card">
        <h2>On the command line</h2>
        <pre>rolebridge login <xsl:value-of select="site"/>
rolebridge configure</pre>
        <p class="soft">Then each of these roles is a profile of the AWS CLI and SDKs: <code>--profile <bdi><xsl:value-of select="concat(account/name, '.', account/grant/role)"/></bdi></code></p>
      </section>
    </xsl:if>
    <p class="soft">You are signed in until <time datetime="{until}"><xsl:value-of select="translate(until, 'TZ', '  ')"/> UTC</time>,
      <xsl:choose>
        <xsl:when test="mfa">with a second factor.</xsl:when>
        <xsl:otherwise>without a second factor.</xsl:otherwise>
      </xsl:choose>
    </p>
  </xsl:template>

  <xsl:template match="account">
    <xsl:variable name="tone">
      <xsl:call-template name="tone"><xsl:with-param name="environment" select="environment"/></xsl:call-template>
    </xsl:variable>
    <section class="card account {$tone}">
      <div class="title">
        <h2><bdi><xsl:value-of select="name"/></bdi></h2>
        <span class="id"><xsl:value-of select="id"/></span>
        <xsl:if test="environment"><span class="badge"><bdi><xsl:value-of select="environment"/></bdi></span></xsl:if>
      </div>
      <xsl:apply-templates select="grant"/>
    </section>
  </xsl:template>

  <xsl:template match="grant">
    <div class="role">
      <div>
        <h3><bdi><xsl:value-of select="title"/></bdi></h3>
        <xsl:if test="purpose"><div class="soft"><bdi><xsl:value-of select="purpose"/></bdi></div></xsl:if>
      </div>
      <div><a class="button" href="{console}" aria-label="Console: {title} in {../name}">Console</a></div>
      <details>
        <summary>Why, and for how long</summary>
        <ul>
          <xsl:for-each select="reason">
            <li><xsl:if test="group">Your group <bdi><code><xsl:value-of select="group"/></code></bdi></xsl:if>
              <xsl:if test="claim">What your sign-in states: <xsl:for-each select="claim"><xsl:if test="position() &gt; 1">, </xsl:if><bdi><xsl:value-of select="attribute"/></bdi><xsl:text> </xsl:text><bdi><code><xsl:value-of select="value"/></code></bdi></xsl:for-each></xsl:if>, by <code><xsl:value-of select="assignment"/></code>
              <xsl:for-each select="condition">; <bdi><xsl:value-of select="."/></bdi></xsl:for-each></li>
          </xsl:for-each>
          <li>Sessions of up to <xsl:value-of select="longest"/><xsl:if test="chained"> (AWS allows no more for an account reached by assume-role)</xsl:if></li>
          <xsl:if test="privileged"><li>Privileged: it needs a second factor</li></xsl:if>
          <li><code><xsl:value-of select="arn"/></code></li>
        </ul>
      </details>
    </div>
  </xsl:template>

  <xsl:template match="miss">
    <div class="role">
      <div>
        <h3><bdi><xsl:value-of select="title"/></bdi> in <bdi><xsl:value-of select="name"/></bdi></h3>
        <div><xsl:value-of select="what"/><xsl:text> </xsl:text><xsl:value-of select="next"/></div>
        <xsl:if test="detail and not(mfa)"><div class="soft"><bdi><xsl:value-of select="detail"/></bdi></div></xsl:if>
        <div class="soft"><code><xsl:value-of select="code"/></code><xsl:if test="owner and not(mfa)"> · ask <bdi><xsl:value-of select="owner"/></bdi></xsl:if></div>
      </div>
      <xsl:if test="mfa"><div><a class="button plain" href="{mfa}" aria-label="Sign in with a second factor for {title} in {name}">Sign in with a second factor</a></div></xsl:if>
    </div>
  </xsl:template>

  <!-- ==== into the console, by an assertion ==== -->
  <xsl:template match="/console" mode="title">Opening the AWS console</xsl:template>
  <xsl:template match="/console" mode="content">
    <div class="card narrow">
      <p>This page leads on to AWS by itself. If it does not, go on here; the way is good for five minutes.</p>
      <form method="post" id="console" action="{action}">
        <input type="hidden" name="SAMLResponse" value="{response}"/>
        <xsl:if test="relay"><input type="hidden" name="RelayState" value="{relay}"/></xsl:if>
        <div class="row"><button type="submit">Continue to AWS</button></div>
      </form>
      <script src="/assets/console.js"></script>
    </div>
  </xsl:template>

  <!-- ==== letting a client in ==== -->
  <xsl:template match="/consent" mode="title">Let this program act for you?</xsl:template>
  <xsl:template match="/consent" mode="content">
    <div class="card narrow">
      <dl>
        <dt>Program</dt><dd><bdi><xsl:value-of select="client"/></bdi></dd>
        <dt>You</dt><dd><bdi><xsl:value-of select="person"/></bdi></dd>
        <dt>Returns to</dt><dd><bdi><xsl:value-of select="returns_to"/></bdi> (this computer)</dd>
      </dl>
      <p>It will list your AWS accounts and roles and fetch temporary credentials for them, until its session ends or you sign out.</p>
      <p class="note">Only allow it if you have just started a sign-in from a program on this computer yourself.</p>
      <form method="post" action="/authorize">
        <xsl:for-each select="csrf | client_id | redirect_uri | state | code_challenge | scopes">
          <input type="hidden" name="{name()}" value="{.}"/>
        </xsl:for-each>
        <div class="row">
          <button type="submit" name="decision" value="allow">Allow</button>
          <button type="submit" class="plain" name="decision" value="deny">Deny</button>
        </div>
      </form>
    </div>
  </xsl:template>

  <xsl:template match="/device-code" mode="title">Enter the code from your device</xsl:template>
  <xsl:template match="/device-code" mode="content">
    <div class="card narrow">
      <form method="get" action="/device">
        <p><label for="user_code">The code that the program shows</label></p>
        <p><input type="text" id="user_code" name="user_code" required="required" maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX"/></p>
        <div class="row"><button type="submit">Continue</button></div>
      </form>
    </div>
  </xsl:template>

  <xsl:template match="/device" mode="title">Let this device act for you?</xsl:template>
  <xsl:template match="/device" mode="content">
    <div class="card narrow">
      <p>Compare this code with the one that the program shows. They must be the same.</p>
      <p class="code"><xsl:value-of select="user_code"/></p>
      <dl>
        <dt>Program</dt><dd><bdi><xsl:value-of select="client"/></bdi></dd>
        <dt>You</dt><dd><bdi><xsl:value-of select="person"/></bdi></dd>
        <dt>Asks from</dt><dd><bdi><xsl:value-of select="from"/></bdi>
          <xsl:choose>
            <xsl:when test="here"> (the address you are at)</xsl:when>
            <xsl:otherwise> (not the address you are at)</xsl:otherwise>
          </xsl:choose></dd>
        <dt>Since</dt><dd><time datetime="{since}"><xsl:value-of select="translate(since, 'TZ', '  ')"/> UTC</time></dd>
        <dt>Waits until</dt><dd><time datetime="{until}"><xsl:value-of select="translate(until, 'TZ', '  ')"/> UTC</time></dd>
      </dl>
      <p class="note">If somebody sent you this link or code, deny it: they would get your access to AWS.</p>
      <form method="post" action="/device">
        <input type="hidden" name="csrf" value="{csrf}"/>
        <input type="hidden" name="user_code" value="{user_code}"/>
        <div class="row">
          <button type="submit" name="decision" value="allow">The codes match: allow</button>
          <button type="submit" class="plain" name="decision" value="deny">Deny</button>
        </div>
      </form>
    </div>
  </xsl:template>

  <xsl:template match="/device-done" mode="title">
    <xsl:choose>
      <xsl:when test="allowed">The device is signed in</xsl:when>
      <xsl:otherwise>The sign-in was denied</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
  <xsl:template match="/device-done" mode="content">
    <div class="card narrow">
      <xsl:choose>
        <xsl:when test="allowed"><p>Go back to the program; it goes on by itself. You can close this window.</p></xsl:when>
        <xsl:otherwise><p>The program gets no access. You can close this window.</p></xsl:otherwise>
      </xsl:choose>
    </div>
  </xsl:template>

  <!-- ==== saying no ==== -->
  <xsl:template match="/refused" mode="title"><xsl:value-of select="what"/></xsl:template>
  <xsl:template match="/refused" mode="content">
    <div class="card narrow">
      <p><xsl:value-of select="next"/></p>
      <xsl:if test="detail"><p><bdi><xsl:value-of select="detail"/></bdi></p></xsl:if>
      <dl>
        <dt>Code</dt><dd><code><xsl:value-of select="code"/></code></dd>
        <dt>Incident</dt><dd><code><xsl:value-of select="incident"/></code></dd>
      </dl>
      <p class="row">
        <xsl:if test="mfa"><a class="button" href="{mfa}">Sign in with a second factor</a></xsl:if>
        <a class="button plain" href="/">Go to the portal</a>
      </p>
    </div>
  </xsl:template>
</xsl:stylesheet>
