# What the HTTP API and its keys say.

api-key-missing = Send your key in the header “Authorization: Bearer easel_…”.
api-key-wrong = This key is unknown, has expired or was revoked.
api-metrics = /metrics needs METRICS_TOKEN as a bearer token: “Authorization: Bearer …”.
api-scope = This key may not do that; it lacks the scope “{ $scope }”.
api-model = There is no model “{ $found }”. Models: { $known }.
api-not-found = There is nothing at this address.
api-link = This link has expired or was altered. Ask for the picture again.
api-method = This address does not support that method.
api-too-fast = Too many requests: { $limit } a minute are allowed. Wait { $wait } s.
api-at-once = This key already has { $limit } open requests. Wait until one has finished.
api-body-large = The request is too large; the limit is { $limit } kB.
api-json = The body must be a JSON object, sent as application/json.
api-missing = “{ $param }” is missing.
api-compression = “output_compression” { $found } needs “output_format” jpeg or webp; PNG is always lossless.
api-type = “{ $param }” must be { $kind ->
        [integer] a whole number
        [number] a number
        [boolean] true or false
       *[text] text
    }, not { $found }.
api-long = “{ $param }” may have { $limit } characters at most.
api-range = “{ $param }” must be { $allowed }, not { $found }.
api-unknown-field-hint = There is no field “{ $param }”; use “{ $meant }”.
api-unknown-field = There is no field “{ $param }”.
api-value = “{ $param }” cannot be “{ $found }”.
api-choice = “{ $param }” cannot be “{ $found }”; choose one of: { $allowed }.
api-key-reused = This Idempotency-Key was used before with a different request. Use a new one.
http-cannot-listen = Cannot listen on { $address }: { $reason }

key-created = This is the only time the key is shown. Lists and logs call it { $prefix }.
key-none = There are no keys yet. Create one with `easel key create NAME`.
key-unknown = There is no live key { $prefix }. `easel key list` shows them all.
key-revoked = Key { $prefix } no longer works.
key-expires-past = --expires must not be in the past; “{ $found }” is.
key-label-empty = A key needs a name, so that you can tell it from others.
key-cap-form = --cap is the most a key may cost per month, such as 50 or 12.50, and above 0; “{ $found }” is not.
key-prefix = Key
key-label = Name
key-tier = Tier
key-scopes = Scopes
key-expires = Expires
key-cap = Monthly cap
key-state = State
key-state-live = live
key-state-expired = expired
key-state-revoked = revoked
error-http-secret = HTTP_SECRET is too short: it needs at least { $characters } characters. Leave it out, and the key file is used.
