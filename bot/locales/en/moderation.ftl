## Prompt rules, and alerts to the owner

moderation-blocked = This bot does not draw that; nothing was charged. Try other words.
moderation-blocked-server = This server has blocked some of those words; nothing was charged. Try other words.
moderation-adult = Adult pictures are not drawn in this channel; nothing was charged.
moderation-bad-pattern = “{ $found }” is not a valid RE2 pattern: { $why }
moderation-long-rule = A word or pattern has 1 to { $limit } characters.
moderation-many-rules = A server can block at most { $limit } words or patterns.
moderation-title = Blocked here
moderation-words = Words
moderation-patterns = Patterns
moderation-image = The picture did not pass this bot's safety check, so it is not shown; nothing was charged.
moderation-image-charged = The picture did not pass this bot's safety check, so it is not shown; your free refunds for today are used up, so it counts.
alert-engine = ⚠️ { $cause ->
        [other_process] Drawing is slow: another process is on the GPU.
        [thermal_throttling] Drawing is slow: the GPU is too hot and has lowered its clock.
        [power_throttling] Drawing is slow: the GPU is held back by a power limit.
        [offload] Drawing is slow: weights are moved between host memory and GPU.
        [unknown] Drawing is slow, and nothing that the driver reports explains it.
        [out_of_memory] The GPU ran out of memory.
        [hung_step] Drawing hung.
        [gpu_lost] The GPU no longer answers.
        [stalled] Jobs wait although the GPU is idle.
        [worker_lost] The drawing process has died.
        [not_finite] Several pictures came out black and were not charged. Set dtype = "auto" under [model], or check the model's files.
        [worker_aside] A worker keeps failing and is set aside for a while.
        [worker_refused] A worker was refused: its pictures differ from those of the others.
        [no_worker] No worker is available.
       *[other] Something is wrong with the engine.
    } { $detail }
alert-store = ⚠️ { $reason ->
        [disk_full] The disk is full: nothing can be saved, so no new requests are taken.
        [read_only] The database cannot be written: it is read-only.
        [locked] The database is locked by another process.
        [corrupt] The database is corrupt; restore a backup.
       *[other] The database cannot be written.
    } { $detail }
