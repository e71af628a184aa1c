-- Marks what came through us, and keeps cookies from the origin.
function send_response()
    ts.client_response.header['X-Served-By'] = 'child'
end

function do_remap()
    ts.client_request.header['X-Edge'] = 'www'
    ts.client_request.header['Cookie'] = nil
    ts.hook(TS_LUA_HOOK_SEND_RESPONSE_HDR, send_response)
    return 0
end
