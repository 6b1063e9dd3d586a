package validation

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ipAddress requires an address in the form that all parsers read alike.
func ipAddress(p *field.Path, value string) field.ErrorList {
	return validation.IsValidIP(p, value)
}

// routableIP requires an address that leads to another machine. Those that
// lead to whoever uses them (loopback, link-local) would turn a service into
// a way to the components themselves (CVE-2020-8555, CVE-2020-8562).
func routableIP(p *field.Path, value string) field.ErrorList {
	if errs := ipAddress(p, value); len(errs) > 0 {
		return errs
	}
	return notSpecialIP(p, value)
}

func notSpecialIP(p *field.Path, value string) field.ErrorList {
	ip, err := netip.ParseAddr(value)
	if err != nil {
		return field.ErrorList{field.Invalid(p, value, "must be a valid IP address")}
	}
	ip = ip.Unmap()
	var errs field.ErrorList
	refuse := func(special bool, why string) {
		if special {
			errs = append(errs, field.Invalid(p, value, why))
		}
	}
	refuse(ip.IsUnspecified(), fmt.Sprintf("may not be unspecified (%v)", value))
	refuse(ip.IsLoopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)")
	refuse(ip.IsLinkLocalUnicast(), "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
	refuse(ip.IsLinkLocalMulticast(), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
	return errs
}

// isIP tells whether a value that should be a host name is an address.
func isIP(value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil
}

// isIPv6 tells the family of a value; what is no address has none.
func isIPv6(value string) bool {
	ip, err := netip.ParseAddr(value)
	return err == nil && ip.Is6()
}

// hostName requires a DNS name that is no address.
func hostName(p *field.Path, value string) field.ErrorList {
	errs := invalidIf(p, value, validation.IsDNS1123Subdomain(value))
	if isIP(value) {
		errs = append(errs, field.Invalid(p, value, "must be a DNS name, not an IP address"))
	}
	return errs
}

// wildcardHost requires a DNS name whose first label may be a star.
func wildcardHost(p *field.Path, value string) field.ErrorList {
	if strings.Contains(value, "*") {
		return invalidIf(p, value, validation.IsWildcardDNS1123Subdomain(value))
	}
	return invalidIf(p, value, validation.IsDNS1123Subdomain(value))
}
