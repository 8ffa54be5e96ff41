/// The shape of one kind of credential: a prefix that nothing else has, and a body.
///
/// Sources: the vendors' token format pages where there is one, and the rule sets of public secret
/// scanners. Lengths are the shortest seen, so that a longer format of next year still matches.
struct SecretShape {
  enum Body {
    /// The longest run of one class.
    case run
    /// A run that must end where `maximum` says and not go on as a word.
    case exact
    /// `eyJ….….…`, also with two or five parts.
    case jwt
    /// `sk-…` without a further prefix: must not be a CSS class or another word in kebab case.
    case openAI
    /// Ten digits or so before the prefix `:AA`.
    case telegram
    /// Fourteen letters and digits before the prefix `.atlasv1.`.
    case terraform
    /// A body that must also look random: the prefix alone is a common one.
    case random
    /// Windows' two hashes of a password before the prefix `:::`.
    case twoHashes
    /// A UUID.
    case uuid
    /// 76 characters before the prefix `AZDO`, four behind it.
    case azureDevOps
    /// Four characters before the prefix `Q~`.
    case azureClientSecret
    /// A password's hash: salt and hash behind `$` each, or one run of base64.
    case passwordHash
    /// Twilio's id of an account; the secret is the token that stands beside it.
    case accountID
    /// The signature of a shared access URL; hex signatures are hashes.
    case sharedAccessSignature
  }

  let prefix: StaticString
  let kind: StaticString
  /// The offset in the prefix, from 1, of the byte at which the scanner stops to compare.
  let anchor: Int
  let body: Body
  let characters: UInt32
  let minimum: Int
  let maximum: Int
  let needsDigit: Bool
  /// The prefix says what the value is and stays: `AccountKey=`, the host of a webhook.
  let keepsPrefix: Bool

  init(
    _ prefix: StaticString, _ kind: StaticString, _ characters: ByteClass, _ minimum: Int,
    to maximum: Int = .max, anchor: Int? = nil, body: Body = .run, needsDigit: Bool = false,
    keepsPrefix: Bool = false
  ) {
    self.prefix = prefix
    self.kind = kind
    self.anchor = anchor ?? prefix.utf8CodeUnitCount - 1
    self.body = body
    self.characters = characters.rawValue
    self.minimum = minimum
    self.maximum = maximum
    self.needsDigit = needsDigit
    self.keepsPrefix = keepsPrefix
    precondition(self.anchor > 0)
  }

  /// A body of exactly `count` characters.
  static func exact(
    _ prefix: StaticString, _ kind: StaticString, _ characters: ByteClass, _ count: Int,
    anchor: Int? = nil
  ) -> SecretShape {
    SecretShape(
      prefix, kind, characters, count, to: count, anchor: anchor, body: .exact)
  }
}

extension SecretShape {
  // Of shapes with the same anchor the first that fits wins: the special one before the general.
  package static let all: [SecretShape] =
    sourceHosts + models + clouds + packages + chats + payments + services + keys + hashes

  private static let sourceHosts: [SecretShape] = [
    SecretShape("ghp_", "github-token", .word, 36),
    SecretShape("gho_", "github-token", .word, 36),
    SecretShape("ghu_", "github-token", .word, 36),
    SecretShape("ghs_", "github-token", .word, 36),
    SecretShape("ghr_", "github-token", .word, 36),
    SecretShape("github_pat_", "github-token", .word, 36),
    SecretShape("glpat-", "gitlab-token", .dotted, 20),
    SecretShape("gldt-", "gitlab-token", .name, 20),
    SecretShape("glrt-", "gitlab-token", .dotted, 20),
    SecretShape("glcbt-", "gitlab-token", .name, 20),
    SecretShape("glptt-", "gitlab-token", .name, 20),
    SecretShape("glft-", "gitlab-token", .name, 20),
    SecretShape("glimt-", "gitlab-token", .name, 20),
    SecretShape("glagent-", "gitlab-token", .name, 40),
    SecretShape("gloas-", "gitlab-token", .name, 40),
    SecretShape("glsoat-", "gitlab-token", .name, 20),
    SecretShape("glffct-", "gitlab-token", .name, 20),
    SecretShape("glwt-", "gitlab-token", .name, 20),
    SecretShape("BBDC-", "bitbucket-token", .base64, 40, needsDigit: true),
    SecretShape("slk_", "sourcegraph-token", .hex, 64),
    SecretShape("GR1348941", "gitlab-token", .name, 20, anchor: 1),
    SecretShape.exact("ATBB", "bitbucket-token", .alphanumeric, 32, anchor: 1),
    SecretShape("sgp_", "sourcegraph-token", [.hex, .underscore], 40),
  ]

  private static let models: [SecretShape] = [
    SecretShape("sk-ant-", "anthropic-key", .name, 20, anchor: 2),
    SecretShape("sk-or-", "openrouter-key", .name, 20, anchor: 2, needsDigit: true),
    SecretShape("sk-lf-", "langfuse-key", .name, 20, anchor: 2, needsDigit: true),
    SecretShape("sk-proj-", "openai-key", .name, 20, anchor: 2),
    SecretShape("sk-svcacct-", "openai-key", .name, 20, anchor: 2),
    SecretShape("sk-admin-", "openai-key", .name, 20, anchor: 2, needsDigit: true),
    SecretShape("sk-None-", "openai-key", .name, 20, anchor: 2, needsDigit: true),
    SecretShape("sk-", "openai-key", .name, 20, body: .openAI),
    SecretShape("hf_", "huggingface-token", .alphanumeric, 30),
    SecretShape("api_org_", "huggingface-token", .alphanumeric, 30),
    SecretShape("gsk_", "groq-key", .alphanumeric, 40),
    SecretShape("xai-", "xai-key", .alphanumeric, 40),
    SecretShape("r8_", "replicate-token", .alphanumeric, 30),
    SecretShape("pplx-", "perplexity-key", .alphanumeric, 32),
    SecretShape("csk-", "cerebras-key", .alphanumeric, 40),
    SecretShape("tgp_v1_", "together-key", .name, 30),
    SecretShape("nvapi-", "nvidia-key", .name, 40),
    SecretShape("jina_", "jina-key", .alphanumeric, 40),
    SecretShape("pcsk_", "pinecone-key", .word, 40),
    SecretShape("tvly-", "tavily-key", .name, 20, needsDigit: true),
    SecretShape.exact("fc-", "firecrawl-key", .lowerHex, 32),
    SecretShape("lsv2_pt_", "langsmith-key", .word, 32),
    SecretShape("lsv2_sk_", "langsmith-key", .word, 32),
    SecretShape("ctx7sk-", "context7-key", .name, 20),
    SecretShape("e2b_", "e2b-key", .lowerHex, 40),
    SecretShape.exact("sk_", "elevenlabs-key", .lowerHex, 48),
    SecretShape("sess-", "openai-key", .alphanumeric, 40, needsDigit: true),
    SecretShape("fw_", "fireworks-key", .alphanumeric, 22, to: 40, body: .random),
    SecretShape("wandb_v1_", "wandb-key", .word, 40),
    SecretShape.exact("crsr_", "cursor-key", .lowerHex, 64),
    SecretShape("pa-", "voyage-key", .name, 43, to: 43, body: .random),
    SecretShape("rpa_", "runpod-key", .alphanumeric, 30, needsDigit: true),
    SecretShape("dtn_", "daytona-key", .lowerHex, 64),
    SecretShape("BSA", "brave-key", .name, 27, to: 28, anchor: 2, body: .random),
    SecretShape("apify_api_", "apify-token", .alphanumeric, 30),
  ]

  private static let clouds: [SecretShape] = [
    SecretShape.exact("AKIA", "aws-access-key", [.upper, .digit], 16, anchor: 2),
    SecretShape.exact("ASIA", "aws-access-key", [.upper, .digit], 16, anchor: 2),
    SecretShape.exact("ABIA", "aws-access-key", [.upper, .digit], 16, anchor: 2),
    SecretShape("IQoJb3JpZ2lu", "aws-session-token", .base64, 100, anchor: 3),
    SecretShape("FwoGZXIvYXdz", "aws-session-token", .base64, 100, anchor: 6),
    SecretShape("ABSK", "aws-bedrock-key", .base64, 100),
    SecretShape("bedrock-api-key-", "aws-bedrock-key", .base64, 40),
    SecretShape("AIza", "google-api-key", .name, 35, anchor: 2),
    SecretShape("AQ.Ab8", "google-api-key", .name, 40, anchor: 2),
    SecretShape("GOCSPX-", "google-client-secret", .name, 20),
    SecretShape("ya29.", "google-oauth-token", .name, 20),
    SecretShape("1//0", "google-refresh-token", .name, 40, anchor: 2, needsDigit: true),
    SecretShape("AccountKey=", "azure-key", .base64, 40, keepsPrefix: true),
    SecretShape("SharedAccessKey=", "azure-key", .base64, 40, keepsPrefix: true),
    SecretShape("X-Amz-Signature=", "url-signature", .lowerHex, 64, keepsPrefix: true),
    SecretShape("X-Goog-Signature=", "url-signature", .lowerHex, 64, keepsPrefix: true),
    SecretShape(
      "Signature=", "url-signature", [.name, .percent, .plusSlash, .tilde], 20, body: .random,
      keepsPrefix: true),
    SecretShape(
      "sig=", "azure-signature", [.name, .percent, .plusSlash, .equals], 40,
      body: .sharedAccessSignature, keepsPrefix: true),
    SecretShape(
      "sig=", "url-signature", [.name, .percent, .plusSlash], 24, body: .random,
      keepsPrefix: true),
    SecretShape(
      "Q~", "azure-client-secret", [.dotted, .tilde], 31, to: 34, body: .azureClientSecret),
    SecretShape("dop_v1_", "digitalocean-token", .lowerHex, 64),
    SecretShape("doo_v1_", "digitalocean-token", .lowerHex, 64),
    SecretShape("dor_v1_", "digitalocean-token", .lowerHex, 64),
    SecretShape("LTAI", "alibaba-access-key", .alphanumeric, 16, to: 24, needsDigit: true),
    SecretShape("HRKU-", "heroku-key", .name, 36),
    SecretShape("fo1_", "fly-token", .name, 40),
    SecretShape("fm1r_", "fly-token", .base64, 80),
    SecretShape("fm1a_", "fly-token", .base64, 80),
    SecretShape("fm2_", "fly-token", .base64, 80),
    SecretShape("nfp_", "netlify-token", .alphanumeric, 36),
    SecretShape("vcp_", "vercel-token", .alphanumeric, 24),
    SecretShape("vck_", "vercel-token", .alphanumeric, 24),
    SecretShape("vcr_", "vercel-token", .alphanumeric, 24),
    SecretShape("vca_", "vercel-token", .alphanumeric, 24),
    SecretShape("vci_", "vercel-token", .alphanumeric, 24),
    SecretShape("cfut_", "cloudflare-token", .alphanumeric, 40),
    SecretShape("cfat_", "cloudflare-token", .alphanumeric, 40),
    SecretShape("cfk_", "cloudflare-token", .alphanumeric, 40),
    SecretShape("v1.0-", "cloudflare-origin-key", [.lowerHex, .dash], 160, anchor: 3),
    SecretShape("vercel_blob_rw_", "vercel-token", .word, 24),
    SecretShape("sbp_", "supabase-key", .lowerHex, 40),
    SecretShape("sb_secret_", "supabase-key", .name, 20),
    SecretShape("pscale_tkn_", "planetscale-token", .dotted, 32),
    SecretShape("pscale_oauth_", "planetscale-token", .dotted, 32),
    SecretShape("pscale_pw_", "planetscale-password", .dotted, 32),
    SecretShape("dapi", "databricks-token", .lowerHex, 32, to: 32, anchor: 2, body: .exact),
    SecretShape("hvs.", "vault-token", .name, 24, needsDigit: true),
    SecretShape("hvb.", "vault-token", .name, 24, needsDigit: true),
    SecretShape("hvr.", "vault-token", .name, 24, needsDigit: true),
    SecretShape(".atlasv1.", "terraform-token", [.name, .equals], 50, body: .terraform),
    SecretShape("pul-", "pulumi-token", .lowerHex, 40),
    SecretShape("dkea", "databricks-token", .lowerHex, 32, to: 32, anchor: 2, body: .exact),
    SecretShape("dose", "databricks-token", .lowerHex, 32, to: 32, anchor: 2, body: .exact),
    SecretShape(
      "AZDO", "azure-devops-token", .alphanumeric, 4, to: 4, anchor: 1, body: .azureDevOps),
    SecretShape("s.", "vault-token", .alphanumeric, 24, to: 24, body: .random),
    SecretShape("b.AAAAA", "vault-token", .name, 90, anchor: 1),
    SecretShape("rnd_", "render-key", .alphanumeric, 28, to: 40, body: .random),
    SecretShape("napi_", "neon-key", .alphanumeric, 60, needsDigit: true),
    SecretShape("AKID", "tencent-key", .alphanumeric, 32, to: 32, anchor: 2, body: .random),
    SecretShape("AQVN", "yandex-key", .name, 36, to: 40, anchor: 1, body: .random),
    SecretShape("t1.9euelZ", "yandex-token", .dotted, 80, anchor: 2),
    SecretShape("SWMTKN-1-", "docker-swarm-token", .name, 60),
    SecretShape("EAAC", "facebook-token", .alphanumeric, 100, anchor: 1),
    SecretShape("EAAG", "facebook-token", .alphanumeric, 100, anchor: 1),
    SecretShape("EAAB", "facebook-token", .alphanumeric, 100, anchor: 1),
    SecretShape(
      "AAAAAAAAAAAAAAAAAAAAA", "twitter-token", [.alphanumeric, .percent], 70, anchor: 1),
    SecretShape("tskey-", "tailscale-key", .name, 16, needsDigit: true),
    SecretShape("dnkey-", "defined-networking-key", .name, 40),
    SecretShape("sha256~", "openshift-token", .name, 43),
  ]

  private static let packages: [SecretShape] = [
    SecretShape("npm_", "npm-token", .alphanumeric, 36),
    SecretShape("pypi-AgE", "pypi-token", .name, 40, anchor: 4),
    SecretShape("rubygems_", "rubygems-key", .lowerHex, 48),
    SecretShape("dckr_pat_", "docker-token", .name, 20),
    SecretShape("dckr_oat_", "docker-token", .name, 20),
    SecretShape("AKCp", "artifactory-key", .alphanumeric, 60, anchor: 1),
    SecretShape("bkua_", "buildkite-token", .lowerHex, 40),
    SecretShape("oy2", "nuget-key", .alphanumeric, 43, to: 43, anchor: 1, body: .random),
    SecretShape("cio", "crates-token", .alphanumeric, 32, to: 32, anchor: 1, body: .random),
    SecretShape("CLOJARS_", "clojars-token", .lowerHex, 60),
    SecretShape("cmVmdGtuOj", "artifactory-key", .base64, 40, anchor: 5),
    SecretShape("snyk_uat.", "snyk-token", .dotted, 40),
    SecretShape("API-", "octopus-key", [.upper, .digit], 25, to: 32, body: .random),
    SecretShape("CCIPAT_", "circleci-token", .word, 30),
    SecretShape("CCIPRJ_", "circleci-token", .word, 30),
    SecretShape.exact("sqp_", "sonarqube-token", .lowerHex, 40),
    SecretShape.exact("squ_", "sonarqube-token", .lowerHex, 40),
    SecretShape.exact("sqa_", "sonarqube-token", .lowerHex, 40),
    SecretShape.exact("ico-", "infracost-key", .alphanumeric, 32),
    SecretShape("pnu_", "prefect-key", .alphanumeric, 36),
  ]

  private static let chats: [SecretShape] = [
    SecretShape("xoxb-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxp-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxa-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxr-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxs-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxo-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxe-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxc-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("xoxd-", "slack-token", [.name, .percent], 10, needsDigit: true),
    SecretShape("xoxe.", "slack-token", .dotted, 40, needsDigit: true),
    SecretShape("xwfp-", "slack-token", .name, 10, needsDigit: true),
    SecretShape("syt_", "matrix-token", .word, 30, needsDigit: true),
    SecretShape(
      "outlook.office.com/webhook/", "teams-webhook", [.name, .plusSlash, .at], 30,
      keepsPrefix: true),
    SecretShape(
      "hooks.zapier.com/hooks/catch/", "zapier-webhook", [.name, .plusSlash], 10,
      keepsPrefix: true),
    SecretShape("xapp-", "slack-token", .name, 10, needsDigit: true),
    SecretShape(
      "hooks.slack.com/services/", "slack-webhook", [.word, .plusSlash], 20, keepsPrefix: true),
    SecretShape(
      "hooks.slack.com/workflows/", "slack-webhook", [.word, .plusSlash], 20,
      keepsPrefix: true),
    SecretShape(
      "hooks.slack.com/triggers/", "slack-webhook", [.word, .plusSlash], 20, keepsPrefix: true),
    SecretShape(
      "discord.com/api/webhooks/", "discord-webhook", [.name, .plusSlash], 40,
      keepsPrefix: true),
    SecretShape(
      "discordapp.com/api/webhooks/", "discord-webhook", [.name, .plusSlash], 40,
      keepsPrefix: true),
    SecretShape(
      "webhook.office.com/webhookb2/", "teams-webhook", [.name, .plusSlash, .at], 40,
      keepsPrefix: true),
    SecretShape("mfa.", "discord-token", .name, 80),
    SecretShape(":AA", "telegram-token", .name, 30, to: 40, anchor: 1, body: .telegram),
  ]

  private static let payments: [SecretShape] = [
    SecretShape("sk_live_", "stripe-key", .alphanumeric, 16),
    SecretShape("sk_test_", "stripe-key", .alphanumeric, 16),
    SecretShape("sk_prod_", "stripe-key", .alphanumeric, 16),
    SecretShape("rk_live_", "stripe-key", .alphanumeric, 16),
    SecretShape("rk_test_", "stripe-key", .alphanumeric, 16),
    SecretShape("whsec_", "stripe-webhook-secret", .base64, 24),
    SecretShape("shpat_", "shopify-token", .hex, 32),
    SecretShape("shpca_", "shopify-token", .hex, 32),
    SecretShape("shppa_", "shopify-token", .hex, 32),
    SecretShape("shpss_", "shopify-token", .hex, 32),
    SecretShape("shpua_", "shopify-token", .hex, 32),
    SecretShape("shptka_", "shopify-token", .hex, 32),
    SecretShape("sk_org_live_", "stripe-key", .alphanumeric, 16),
    SecretShape("sk_org_test_", "stripe-key", .alphanumeric, 16),
    SecretShape("EAAA", "square-token", .name, 60, to: 60, anchor: 1, needsDigit: true),
    SecretShape("access_token$production$", "braintree-token", [.word, .cryptSign], 40),
    SecretShape("access-sandbox-", "plaid-token", .name, 36, to: 36, body: .uuid),
    SecretShape("access-development-", "plaid-token", .name, 36, to: 36, body: .uuid),
    SecretShape("access-production-", "plaid-token", .name, 36, to: 36, body: .uuid),
    SecretShape.exact("live_", "lob-key", .lowerHex, 35),
    SecretShape.exact("test_", "lob-key", .lowerHex, 35),
    SecretShape("live_", "gocardless-token", .name, 40, to: 44, body: .random),
    SecretShape("live_", "mollie-key", .alphanumeric, 30, to: 30, body: .random),
    SecretShape("sq0atp-", "square-token", .name, 22),
    SecretShape("sq0csp-", "square-secret", .name, 40),
    SecretShape("shippo_live_", "shippo-token", .lowerHex, 40),
    SecretShape("duffel_live_", "duffel-token", .name, 40),
    SecretShape("duffel_test_", "duffel-token", .name, 40),
    SecretShape("FLWSECK-", "flutterwave-key", .name, 32),
    SecretShape("FLWSECK_TEST-", "flutterwave-key", .name, 32),
    SecretShape.exact("EZAK", "easypost-key", .alphanumeric, 54),
    SecretShape.exact("EZTK", "easypost-key", .alphanumeric, 54),
  ]

  private static let services: [SecretShape] = [
    SecretShape("SG.", "sendgrid-key", .dotted, 50, needsDigit: true),
    SecretShape.exact("SK", "twilio-key", .lowerHex, 32),
    SecretShape("AC", "twilio-auth-token", .lowerHex, 32, to: 32, body: .accountID),
    SecretShape("xkeysib-", "brevo-key", .name, 64),
    SecretShape("xsmtpsib-", "brevo-key", .name, 64),
    SecretShape.exact("key-", "mailgun-key", .lowerHex, 32),
    SecretShape("lin_api_", "linear-key", .alphanumeric, 32),
    SecretShape("lin_oauth_", "linear-key", .alphanumeric, 32),
    SecretShape("PMAK-", "postman-key", [.lowerHex, .dash], 50),
    SecretShape("sntrys_", "sentry-token", [.base64, .underscore], 40),
    SecretShape("sntryu_", "sentry-token", .lowerHex, 64),
    SecretShape("ntn_", "notion-token", .alphanumeric, 40),
    SecretShape.exact("secret_", "notion-token", .alphanumeric, 43),
    SecretShape("figd_", "figma-token", .name, 30),
    SecretShape("figo_", "figma-token", .name, 30),
    SecretShape("ATATT3", "atlassian-token", [.name, .equals], 40, anchor: 3),
    SecretShape("ATCTT3", "atlassian-token", [.name, .equals], 40, anchor: 3),
    SecretShape("NRAK-", "newrelic-key", [.upper, .digit], 20),
    SecretShape("lin_wh_", "linear-key", .alphanumeric, 32),
    SecretShape("dp.scim.", "doppler-token", .dotted, 40),
    SecretShape("dp.audit.", "doppler-token", .dotted, 40),
    SecretShape("re_", "resend-key", .word, 32, to: 36, body: .random),
    SecretShape("md-", "mandrill-key", .name, 22, to: 22, body: .random),
    SecretShape.exact("pk_", "klaviyo-key", .lowerHex, 34),
    SecretShape("pat-na1-", "hubspot-token", .name, 36, to: 36, body: .uuid),
    SecretShape("pat-na2-", "hubspot-token", .name, 36, to: 36, body: .uuid),
    SecretShape("pat-eu1-", "hubspot-token", .name, 36, to: 36, body: .uuid),
    SecretShape("sdk-", "launchdarkly-key", .name, 36, to: 36, body: .uuid),
    SecretShape("api-", "launchdarkly-key", .name, 36, to: 36, body: .uuid),
    SecretShape("xaat-", "axiom-token", .name, 36, to: 36, body: .uuid),
    SecretShape("sl.", "dropbox-token", .dotted, 120, anchor: 1, needsDigit: true),
    SecretShape("fio-u-", "frameio-token", .name, 60),
    SecretShape("sk.eyJ", "mapbox-token", .dotted, 60, anchor: 2),
    SecretShape("aio_", "adafruit-key", .alphanumeric, 28, to: 28, body: .random),
    SecretShape("zpka_", "zuplo-key", .word, 32, needsDigit: true),
    SecretShape("signkey-prod-", "inngest-key", .lowerHex, 32),
    SecretShape("tr_prod_", "trigger-key", .alphanumeric, 20),
    SecretShape("tr_dev_", "trigger-key", .alphanumeric, 20),
    SecretShape("hcaik_", "honeycomb-key", .alphanumeric, 50),
    SecretShape("secret-live-", "stytch-key", .name, 30, needsDigit: true),
    SecretShape("secret-test-", "stytch-key", .name, 30, to: 60, body: .random),
    SecretShape("NRII-", "newrelic-key", .name, 20, needsDigit: true),
    SecretShape("glsa_", "grafana-token", .word, 32),
    SecretShape("glc_", "grafana-token", .base64, 32),
    SecretShape("dp.pt.", "doppler-token", .alphanumeric, 40),
    SecretShape("dp.ct.", "doppler-token", .alphanumeric, 40),
    SecretShape("dp.sa.", "doppler-token", .alphanumeric, 40),
    SecretShape("dp.st.", "doppler-token", .dotted, 40),
    SecretShape("dt0c01.", "dynatrace-token", [.upper, .digit, .dot], 80),
    SecretShape("phx_", "posthog-key", .alphanumeric, 32),
    SecretShape("CFPAT-", "contentful-token", .name, 40),
    SecretShape("tfp_", "typeform-token", .dotted, 40),
    SecretShape("rdme_", "readme-key", .alphanumeric, 60),
  ]

  private static let keys: [SecretShape] = [
    SecretShape("eyJ", "jwt", .name, 16, body: .jwt),
    SecretShape("ops_eyJ", "1password-token", .base64, 100, anchor: 3),
    SecretShape(
      "A3-", "1password-secret-key", [.upper, .digit, .dash], 36, to: 37, needsDigit: true),
    SecretShape("v2.local.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("v3.local.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("v4.local.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("v2.public.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("v3.public.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("v4.public.", "paseto", .dotted, 60, anchor: 2),
    SecretShape("nsec1", "nostr-key", [.lower, .digit], 58, to: 58, needsDigit: true),
    SecretShape("xprv", "bitcoin-key", .alphanumeric, 100, anchor: 1),
    // A minisign key, encrypted.
    SecretShape("RWRTY0Iy", "private-key", .base64, 60, anchor: 2),
    SecretShape("AGE-SECRET-KEY-PQ-1", "age-key", [.upper, .digit], 50, anchor: 3),
    SecretShape(
      "AGE-PLUGIN-", "age-key", [.upper, .digit, .dash], 30, anchor: 3, needsDigit: true),
    SecretShape("AGE-SECRET-KEY-1", "age-key", [.upper, .digit], 50, anchor: 3),
    // A PEM block in base64, as kubeconfig files and CI variables hold it.
    SecretShape("LS0tLS1CRUdJTiBQUklWQVRF", "private-key", .base64, 40, anchor: 11),
    SecretShape("LS0tLS1CRUdJTiBSU0EgUFJJVkFURS", "private-key", .base64, 40, anchor: 11),
    SecretShape("LS0tLS1CRUdJTiBFQyBQUklWQVRF", "private-key", .base64, 40, anchor: 11),
    SecretShape("LS0tLS1CRUdJTiBPUEVOU1NI", "private-key", .base64, 40, anchor: 11),
    SecretShape("LS0tLS1CRUdJTiBFTkNSWVBURUQ", "private-key", .base64, 40, anchor: 11),
  ]

  /// crypt(5), PHC strings, and what htpasswd, LDAP, Django and Drupal write.
  private static let hashes: [SecretShape] =
    ([
      "$1$", "$2$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$7$", "$8$", "$9$", "$y$",
      "$gy$", "$apr1$", "$sha1$", "$md5,", "$md5$", "$argon2i$", "$argon2d$", "$argon2id$",
      "$scrypt$", "$bcrypt-sha256$", "$pbkdf2$", "$pbkdf2-sha1$", "$pbkdf2-sha256$",
      "$pbkdf2-sha512$", "$P$", "$H$", "$S$", "pbkdf2_sha256$", "pbkdf2_sha1$", "bcrypt_sha256$",
      "argon2$argon2", "pbkdf2:sha256:", "pbkdf2:sha512:", "pbkdf2:sha1:", "$NT$", "$ml$",
      "sha256$", "sha512$", "sha1$", "md5$", "grub.pbkdf2.sha512.",
    ] as [StaticString]).map {
      SecretShape($0, "password-hash", passwordHash, 20, body: .passwordHash)
    }
    + ([
      "scrypt:", "$krb5tgs$", "$krb5asrep$", "$krb5pa$", "$DCC2$", "$keepass$", "$zip2$",
      "$pkzip$", "$rar5$", "$7z$", "$ansible$", "$office$",
    ] as [StaticString]).map {
      SecretShape($0, "password-hash", [passwordHash, .ticketSign], 20, body: .passwordHash)
    }
    + ([
      "{SHA}", "{SSHA}", "{SSHA256}", "{SSHA512}", "{SHA256}", "{SHA512}", "{SMD5}", "{MD5}",
      "{CRYPT}", "{crypt}", "{PBKDF2}", "{PBKDF2-SHA256}", "{PBKDF2-SHA512}", "{ARGON2}",
      "{BLF-CRYPT}", "{PBKDF2_SHA256}", "{PBKDF2_SHA512}", "{PBKDF2-SHA1}", "{ARGON2ID}",
      "{SHA512-CRYPT}", "{SHA256-CRYPT}", "SCRAM-SHA-256$",
    ] as [StaticString]).map {
      SecretShape($0, "password-hash", passwordHash, 20, body: .passwordHash)
    }

    // What MySQL and PostgreSQL keep.
    + ["'*", "\"*", ":*", " *"].map {
      SecretShape(
        $0, "password-hash", .upperHex, 40, to: 40, body: .exact, keepsPrefix: true)
    }
    + [SecretShape.exact("md5", "password-hash", .lowerHex, 32)]
    + [SecretShape(":::", "password-hash", .hex, 0, anchor: 2, body: .twoHashes)]

  private static let passwordHash: ByteClass = [.dotted, .base64, .cryptSign]
}
