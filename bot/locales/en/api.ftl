# What the HTTP API and its keys say.

api-key-missing = Send your key in the header “Authorization: Bearer easel_…”.
api-key-wrong = This key is unknown, has expired or was revoked.
api-scope = This key may not do that; it lacks the scope “{ $scope }”.
api-model = There is no model “{ $found }”. Models: { $known }.
api-model-near = There is no model “{ $found }”. Did you mean { $near }? Models: { $known }.
api-not-found = There is nothing at this address.
api-link = This link has expired or was altered. Ask for the picture again.
api-method = This address does not support that method.
api-too-fast = Too many requests: { $limit } a minute are allowed. Wait { $wait } s.
api-at-once = This key already has { $limit } open requests. Wait until one has finished.
api-body-large = The request is too large; the limit is { $limit }.
api-json = The body must be a JSON object, sent as application/json.
api-body = The body must be a form (multipart/form-data) with the file “image” and the field “prompt”, or a JSON object.
api-file = “{ $param }” cannot be a file; the pictures are “image” and “mask”.
api-pictures-many = Only one “{ $param }” can be used at a time; send one.
api-picture-url = Easel does not fetch pictures from addresses. Send “{ $param }” itself, as a file or a data: URL.
api-picture-data = “{ $param }” must be a file, or a data: URL with the picture in base64.
api-missing = “{ $param }” is missing.
api-compression = “output_compression” { $found } needs “output_format” jpeg or webp; PNG is always lossless.
api-partials = “{ $param }” needs “stream”: true; an answer in one piece has no previews.
api-type = “{ $param }” must be { $kind ->
        [integer] a whole number
        [number] a number
        [boolean] true or false
       *[text] text
    }, not { $found }.
api-long = “{ $param }” may have { $limit } characters at most.
api-least = “{ $param }” must be { $least } or more, not { $found }.
api-most = “{ $param }” must be { $most } or less, not { $found }.
api-unknown-field-hint = There is no field “{ $param }”; use “{ $meant }”.
api-unknown-field = There is no field “{ $param }”.
api-edits-only = “{ $param }” is for POST /v1/images/edits, which draws from a picture.
api-prompt-empty = “prompt” is empty: describe the picture in it.
api-value = “{ $param }” cannot be “{ $found }”.
api-choice = “{ $param }” cannot be “{ $found }”; choose one of: { $allowed }.
api-key-reused = This Idempotency-Key was used before with a different request. Use a new one.

