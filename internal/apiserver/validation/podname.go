package validation

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Limits of what a resolver reads.
const (
	maxNameservers  = 3
	maxSearchPaths  = 32
	maxSearchLength = 2048
	maxHostname     = 64 // HOST_NAME_MAX of Linux
)

// checkNames checks the names the pod has and how it resolves those of
// others.
func (s podScope) checkNames(p *field.Path) field.ErrorList {
	errs := namedIfSet(p.Child("hostname"), s.spec.Hostname, validation.IsDNS1123Label)
	errs = append(errs, namedIfSet(p.Child("subdomain"), s.spec.Subdomain, validation.IsDNS1123Label)...)
	errs = append(errs, s.checkHostnameOverride(p)...)
	for i, alias := range s.spec.HostAliases {
		at := p.Child("hostAliases").Index(i)
		errs = append(errs, ipAddress(at.Child("ip"), alias.IP)...)
		for j, name := range alias.Hostnames {
			errs = append(errs, invalidIf(at.Child("hostnames").Index(j), name, validation.IsDNS1123Subdomain(name))...)
		}
	}
	errs = append(errs, oneOf(p.Child("dnsPolicy"), s.spec.DNSPolicy,
		corev1.DNSClusterFirstWithHostNet, corev1.DNSClusterFirst, corev1.DNSDefault, corev1.DNSNone)...)
	return append(errs, s.checkDNSConfig(p.Child("dnsConfig"))...)
}

// checkHostnameOverride checks the name a pod gives itself whatever it is
// called (KEP-4762).
func (s podScope) checkHostnameOverride(p *field.Path) field.ErrorList {
	name := s.spec.HostnameOverride
	if name == nil {
		return nil
	}
	at := p.Child("hostnameOverride")
	errs := named(at, *name, validation.IsDNS1123Subdomain)
	if len(*name) > maxHostname {
		errs = append(errs, field.TooLong(at, *name, maxHostname))
	}
	if s.spec.HostNetwork {
		errs = append(errs, field.Forbidden(at, "may not be specified when hostNetwork is true"))
	}
	if s.spec.SetHostnameAsFQDN != nil && *s.spec.SetHostnameAsFQDN {
		errs = append(errs, field.Forbidden(at, "may not be specified when setHostnameAsFQDN is true"))
	}
	return errs
}

func (s podScope) checkDNSConfig(p *field.Path) field.ErrorList {
	config := s.spec.DNSConfig
	if s.spec.DNSPolicy == corev1.DNSNone && (config == nil || len(config.Nameservers) == 0) {
		return field.ErrorList{field.Required(p.Child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None")}
	}
	if config == nil {
		return nil
	}
	var errs field.ErrorList
	if len(config.Nameservers) > maxNameservers {
		errs = append(errs, field.Invalid(p.Child("nameservers"), config.Nameservers, "must not have more than 3 nameservers"))
	}
	for i, ns := range config.Nameservers {
		errs = append(errs, ipAddress(p.Child("nameservers").Index(i), ns)...)
	}
	errs = append(errs, checkSearches(config.Searches, p.Child("searches"))...)
	for i, option := range config.Options {
		errs = append(errs, present(p.Child("options").Index(i), option.Name)...)
	}
	return errs
}

// checkSearches accepts domains with a final dot, the root, and underscores,
// which Active Directory has.
func checkSearches(searches []string, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(searches) > maxSearchPaths {
		errs = append(errs, field.Invalid(p, searches, "must not have more than 32 search paths"))
	}
	if len(strings.Join(searches, " ")) > maxSearchLength {
		errs = append(errs, field.Invalid(p, searches, "must not have more than 2048 characters (including spaces) in the search list"))
	}
	for i, domain := range searches {
		if domain == "." {
			continue
		}
		domain = strings.TrimSuffix(domain, ".")
		errs = append(errs, invalidIf(p.Index(i), domain, validation.IsDNS1123SubdomainWithUnderscore(domain))...)
	}
	return errs
}
