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
