# What the HTTP API and its keys say.

api-key-missing = Send your key in the header “Authorization: Bearer easel_…”.
api-key-wrong = That key is not known, has expired or was revoked.
api-metrics = /metrics is for whoever shows METRICS_TOKEN: “Authorization: Bearer …”.
api-scope = This key is not for that; it needs the scope “{ $scope }”.
api-model = There is no model “{ $found }” here; there is { $known }.
api-not-found = There is nothing at this address.
api-link = This link has expired or was changed; ask for the picture again.
api-method = This address does not take that method.
api-too-fast = Too many requests; at most { $limit } a minute. Wait { $wait } s.
api-at-once = This key already has { $limit } requests open; let one finish first.
api-body-large = The request is too large; { $limit } kB is the most I read.
api-json = The body must be a JSON object, sent as application/json.
api-missing = “{ $param }” is missing.
api-unknown-field = I do not know “{ $param }”.
api-value = “{ $param }” cannot be “{ $found }”.
api-choice = “{ $param }” cannot be “{ $found }”; choose one of: { $allowed }.
api-key-reused = This Idempotency-Key came before with another request; use a new one.
http-cannot-listen = Cannot listen on { $address }: { $reason }

key-created = That is the key; it is shown only now. In lists and logs it is { $prefix }.
key-none = There are no keys yet; make one with `easel key create NAME`.
key-unknown = There is no live key { $prefix }; see `easel key list`.
key-revoked = { $prefix } opens nothing any more.
key-cap-form = --cap is an amount a month, such as 50 or 12.50, not “{ $found }”.
key-prefix = Key
key-label = Name
key-tier = Plan
key-scopes = For
key-expires = Expires
key-cap = A month at most
key-state = State
key-state-live = live
key-state-expired = expired
key-state-revoked = revoked
