package portforward

// Reports are Causeway's addition to the port-forward protocol, which tells its
// client neither whether a connection was made nor whether it ended or broke
// off: a client that sets ReportHeader on its error stream gets a line there
// for each. Servers that do not know the header say nothing, and a line that
// begins otherwise is an error in words, as ever.
const (
	// ReportHeader asks for reports; any value does.
	ReportHeader = "Causeway-Report"
	// ReportConnected says that the backend was reached; its address follows.
	ReportConnected = "connected"
	// ReportEnded says that all the backend has sent was sent on. Without it the
	// end of the data is that of a connection that broke.
	ReportEnded = "ended"
)
