//go:build host

package browser

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/causeway-access/causeway/test/inside"
)

// jupyter is a day's work: log in, look at the files, make a notebook, compute.
func jupyter(t *testing.T, s *site, b *chromium) {
	if err := os.WriteFile(filepath.Join(s.Home, "notebooks", "figures.csv"), []byte("a,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	prefix := s.URL("default", "jupyter")
	p := b.window(t, s.Login)
	p.logIn(prefix, jupyterSecret(t, s))
	p.until(`location.pathname.endsWith("/proxy/tree") && [...document.querySelectorAll(".item_name")].some(n => n.innerText == "figures.csv")`)
	p.wantCookiesBelow(prefix)

	notebook := p.opens(
		chromedp.Click(chromedp.CSS("#new-dropdown-button")),
		chromedp.Click(chromedp.CSS("#kernel-python3 a")),
	)
	notebook.until(`document.querySelector(".code_cell") && Jupyter.notebook.kernel && Jupyter.notebook.kernel.is_connected()`)
	notebook.do(
		chromedp.Click(chromedp.CSS(".code_cell .CodeMirror")),
		chromedp.KeyEvent("6*7"),
		chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierShift)),
	)
	notebook.until(`[...document.querySelectorAll(".output_result pre")].some(n => n.innerText == "42")`)
	notebook.do(chromedp.Click(chromedp.CSS(`#save-notbook button`)))
	notebook.until(`!Jupyter.notebook.dirty && Jupyter.notebook.last_modified`)
	saved := filepath.Join(s.Home, "notebooks", "Untitled.ipynb")
	if data, err := os.ReadFile(saved); err != nil || !bytes.Contains(data, []byte("6*7")) {
		t.Errorf("the notebook was saved as %s (%v)", data, err)
	}
	notebook.wantNothingOutside(prefix)
	p.wantNothingOutside(prefix)
	p.wantNothingWrong()
	notebook.wantNothingWrong("/nbextensions/widgets/") // which Debian does not have
}

// jupyterUntold has what our rewriting alone can do: HTML and redirects are
// right; what scripts put together is not.
func jupyterUntold(t *testing.T, s *site, b *chromium) {
	s.jupyter(t, "jupyter-untold", 8889, "api")
	prefix := s.URL("default", "jupyter-untold")
	p := b.window(t, s.Login)
	p.open(prefix + "?token=" + jupyterSecret(t, s))
	p.until(`location.pathname.endsWith("/proxy/tree") && document.title.startsWith("Home Page")`)
	p.until(`document.querySelector("#new-dropdown-button")`)
	p.wantWrong("^403 " + regexp.QuoteMeta(s.Info.URL) + `/static/services/contents\.js`)
}

// jupyterStripped knows its prefix, but nothing puts it back before the paths
// that come to it: it finds only those that have the prefix twice.
func jupyterStripped(t *testing.T, s *site, b *chromium) {
	path := "api/v1/namespaces/default/services/jupyter-stripped/proxy/"
	s.jupyter(t, "jupyter-stripped", 8890, path+"api", "--NotebookApp.base_url=/"+path)
	p := b.window(t, s.Login)
	p.open(s.URL("default", "jupyter-stripped") + "tree")
	p.wantWrong("^404 .*/proxy/tree$")
}

// jupyterToken is a program that uses Jupyter's API.
func jupyterToken(t *testing.T, s *site, _ *chromium) {
	pki := filepath.Join(s.Info.DataDir, "pki")
	curl := s.command("curl", "-sS", "--cacert", s.Info.CAFile, "-w", "%{http_code}",
		"--cert", filepath.Join(pki, "admin.crt"), "--key", filepath.Join(pki, "admin.key"),
		"-H", "Authorization: token "+jupyterSecret(t, s), s.URL("default", "jupyter")+"api/kernelspecs")
	out, err := curl.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"default": "python3"`) || !strings.HasSuffix(string(out), "200") {
		t.Errorf("Jupyter's API says %s (%v)", out, err)
	}
}

// jupyterSecret is the token that the document's commands have chosen.
func jupyterSecret(t *testing.T, s *site) string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(s.Home, "jupyter.py"))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`token = '(\w{20,})'`).FindSubmatch(config)
	if match == nil {
		t.Fatalf("no token in %s", config)
	}
	return string(match[1])
}

// jupyter starts one more Jupyter, with the same token.
func (s *site) jupyter(t *testing.T, name string, port int, path string, flags ...string) {
	t.Helper()
	serve(t, s.command("jupyter-notebook", append([]string{
		"--ip=" + inside.Address, "--port=" + strconv.Itoa(port), "--port-retries=0", "--no-browser", "--allow-root",
		"--notebook-dir=notebooks", "--NotebookApp.token=" + jupyterSecret(t, s),
	}, flags...)...))
	s.service(t, name, port, path)
}

// logIn types the token on Jupyter's own page.
func (p *tab) logIn(address, token string) {
	p.t.Helper()
	p.open(address)
	p.do(
		chromedp.SendKeys(chromedp.CSS("#password_input"), token),
		chromedp.Click(chromedp.CSS("#login_submit")),
	)
}

// opens does what opens a new tab, and returns that.
func (p *tab) opens(steps ...chromedp.Action[chromedp.Void]) *tab {
	p.t.Helper()
	opened := chromedp.WaitNewTarget(p.ctx, func(*target.Info) bool { return true })
	p.do(steps...)
	select {
	case id := <-opened:
		ctx, end := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
		p.t.Cleanup(end)
		return watch(p.t, ctx, login{})
	case <-time.After(patience):
		p.t.Fatal("no new tab")
		return nil
	}
}

// wantCookiesBelow looks at the cookies of the browser, those for servers alone too.
func (p *tab) wantCookiesBelow(prefix string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	jar, err := chromedp.Call(ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil || len(jar.Cookies) < 2 {
		p.t.Errorf("the cookies are %v (%v), want that of the login and that against forged requests", jar.Cookies, err)
	}
	for _, c := range jar.Cookies {
		if !strings.HasSuffix(prefix, c.Path) {
			p.t.Errorf("cookie %s has the path %s, want %s", c.Name, c.Path, prefix)
		}
	}
}
