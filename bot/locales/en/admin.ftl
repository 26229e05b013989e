# What owners and server admins do.

error-date = “{ $found }” is not a date; write it like 2026-12-31.
error-date-past = “{ $found }” is over; write today or a later day, like 2026-12-31.
error-server-only = That is set inside a server or group.
error-who = Say who: reply to their message, mention them, or give their account number.
error-admin = Only admins of this group can do that.

admin-tier = { $member } is on { $tier } now.
admin-tier-until = { $member } is on { $tier } until { $until }.
admin-granted = { $member } got { $images } extra { $images ->
        [one] image
       *[other] images
    } and has { $topup } in all.
admin-banned = { $member } is banned and can no longer draw.
admin-unbanned = { $member } is no longer banned.
audit-title = The latest changes
admin-paused = Paused: nothing new is drawn until /resume.
admin-paused-here = Paused: nothing new is drawn until easel resume or /resume.
admin-resumed = Drawing again.

queue-title-owner = Queue
queue-waiting = Waiting
queue-oldest = Longest wait
queue-work = Queued work, estimated
queue-active = Being drawn
queue-ended = Done / failed / cancelled since the start

gpu-title = GPU
gpu-model = Model
gpu-device = Device
gpu-load = Load
gpu-temperature = Temperature
gpu-power = Power
gpu-clock = Clock
gpu-others = Other processes
gpu-memory = Memory used
gpu-budget = Memory budget
gpu-resident = Model in memory
gpu-models = Models
gpu-place-device = on the device
gpu-place-host = in main memory
gpu-place-disk = on disk
gpu-switches = Model switches
gpu-switches-took = { $switches }, { $seconds } s in all
gpu-oom = Out of memory
gpu-timeouts = Hung steps
gpu-worker = { $state ->
        [drawing] drawing
        [idle] idle
        [draining] leaving
        [resting] resting
       *[aside] set aside after failures
    } · { $held } / { $window } · { $done } done, { $failed } failed · { $price } an hour
gpu-none = No telemetry: there is no GPU, or its driver reports nothing.

settings-title = Settings here
settings-channels = Channels
settings-everywhere = everywhere
settings-roles = Roles
settings-preview = Preview
settings-on = on
settings-off = off
settings-language = Language
settings-auto = each member's own
settings-pictures = Members' own pictures
settings-nsfw = Adult pictures
settings-nsfw-block = nowhere
settings-nsfw-marked = only where the app marks a channel as adult
settings-nsfw-allow = allowed
stats-gpu = GPU time
cmd-stats-gpu = gpu
cmd-stats-gpu-about = The GPU and what it is doing
