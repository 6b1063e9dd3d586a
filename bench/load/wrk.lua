-- Uploads a body of as many bytes as the argument says, if it is not 0, and
-- writes the result in one line. Times are in microseconds.
init = function(args)
  local size = tonumber(args[1])
  if size > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("causeway", size / 8)
    wrk.headers["Content-Type"] = "application/octet-stream"
  end
end

done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'result {"requests":%d,"failed":%d,"bytes":%d,"duration":%d,"p50":%d,"p99":%d}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.bytes,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
