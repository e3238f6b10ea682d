#include "config/tls_settings.h"

#include <filesystem>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/json.h"
#include "config/reader.h"

namespace labcoat::config {
namespace {

namespace fs = std::filesystem;

class TlsSettingsTest : public testing::Test {
 protected:
  TlsSettingsTest() {
    std::string pattern = (fs::temp_directory_path() / "labcoat-tls-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~TlsSettingsTest() override { fs::remove_all(directory_); }

  Result<Config> read(const std::string& tls, CommandLine line = {}) {
    const std::string app = "[server]\nlisten = \"https://127.0.0.1:0\"\n[app.a]\ntarget = 'a:b'\n";
    if (!write_file(directory_ + "/labcoat.toml", app + tls)) return fail("cannot write");
    return read_config(line, {directory_, 1});
  }

  std::string directory_;
};

TEST_F(TlsSettingsTest, reads_certificates_and_options) {
  const auto config = read(R"(
[tls]
version_min = "1.3"
client_certificates = "optional"
client_ca = "ca.pem"
kernel_tls = false
hsts = "8760h"
hsts_subdomains = true
redirect_https = 8443
[[tls.certificate]]
file = "shop.crt"
key = "private/shop.key"
hosts = ["shop.example", "*.shop.example"]
[[tls.certificate]]
file = "/etc/all.pem"
)");
  ASSERT_TRUE(config) << config.error().text;
  // Everything survives the way to the edge.
  const auto there = from_json(to_json(*config));
  ASSERT_TRUE(there) << there.error().text;
  const Tls& tls = there->tls;
  ASSERT_EQ(tls.certificates.size(), 2u);
  EXPECT_EQ(tls.certificates[0].file, directory_ + "/shop.crt");
  EXPECT_EQ(tls.certificates[0].key, directory_ + "/private/shop.key");
  EXPECT_EQ(tls.certificates[0].hosts,
            (std::vector<std::string>{"shop.example", "*.shop.example"}));
  EXPECT_EQ(tls.certificates[1].key, "/etc/all.pem") << "without a key, the file has both";
  EXPECT_TRUE(tls.certificates[1].hosts.empty());
  EXPECT_EQ(tls.version_min, "1.3");
  EXPECT_EQ(tls.client_certificates, "optional");
  EXPECT_EQ(tls.client_ca, directory_ + "/ca.pem");
  EXPECT_FALSE(tls.kernel);
  EXPECT_EQ(tls.hsts_ns, 8760 * 3600 * seconds);
  EXPECT_TRUE(tls.hsts_subdomains);
  EXPECT_EQ(tls.redirect_port, 8443);
}

TEST_F(TlsSettingsTest, lets_the_command_line_win) {
  const auto config =
      read("[[tls.certificate]]\nfile = 'a.pem'\n",
           {.certificates = {"b.crt,b.key", "c.pem"}, .sets = {"redirect_https=on"}});
  ASSERT_TRUE(config) << config.error().text;
  ASSERT_EQ(config->tls.certificates.size(), 2u);
  EXPECT_EQ(config->tls.certificates[0].file, directory_ + "/b.crt");
  EXPECT_EQ(config->tls.certificates[0].key, directory_ + "/b.key");
  EXPECT_EQ(config->tls.certificates[1].key, directory_ + "/c.pem");
  EXPECT_EQ(config->tls.redirect_port, -1);
}

TEST_F(TlsSettingsTest, says_what_is_missing_and_where) {
  const std::string certificate = "[[tls.certificate]]\nfile = 'a.pem'\n";
  const struct {
    const char* why;
    std::string tls;
    std::string message;
  } cases[] = {
      {"no certificate", "", "labcoat.toml:2: 'https://127.0.0.1:0' needs a certificate"},
      {"no file", "[[tls.certificate]]\nkey = 'a'\n", "labcoat.toml:5: this [[tls.certificate]]"},
      {"typo", certificate + "keys = 'a'\n",
       "labcoat.toml:7: [[tls.certificate]] has no key 'keys'; did you mean 'key'?"},
      {"typo of an option", "[tls]\nhst = '5m'\n", "did you mean 'hsts'?"},
      {"one table", "[tls]\ncertificate = 'a'\n", "expected a table for each certificate"},
      {"not text", "[[tls.certificate]]\nfile = 5\n", "tls.certificate.file is a whole number"},
      {"not hosts", certificate + "hosts = [5]\n", "expected text or a list of texts in quotes"},
      {"not a host", certificate + "hosts = 'https://a'\n", "'https://a' is not a host"},
      {"star in the middle", certificate + "hosts = 'a.*.b'\n", "'a.*.b' is not a host"},
      {"no authority", certificate + "[tls]\nclient_certificates = 'required'\n",
       "labcoat.toml:8: client_certificates needs client_ca"},
      {"no old TLS", certificate + "[tls]\nversion_min = '1.1'\n", "version_min"},
  };
  for (const auto& one : cases) {
    const auto config = read(one.tls);
    ASSERT_FALSE(config) << one.why;
    EXPECT_NE(config.error().text.find(one.message), std::string::npos)
        << one.why << ": " << config.error().text;
  }
  const auto config =
      read(certificate, {.listen = {"http://127.0.0.1:0"}, .sets = {"tls.redirect_https=on"}});
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().text.find("redirect_https needs a listener"), std::string::npos);
}

}  // namespace
}  // namespace labcoat::config
