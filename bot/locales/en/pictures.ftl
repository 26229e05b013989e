## Pictures that members bring

error-picture-bytes = That picture is larger than { $mb } MB. Send a smaller one.
error-picture-kind = I can read PNG, JPEG and WebP pictures; this file is { $kind }.
error-picture-none = That file is not a picture. I can read PNG, JPEG and WebP.
error-picture-damaged = That picture is damaged or incomplete. Try saving or sending it again.
error-picture-pixels = That picture has more than { $most } million pixels. Send a smaller one.
error-picture-small = That picture is { $size } pixels; each side must have at least { $least }.
error-picture-shape = That picture is { $size } pixels; one side may be at most { $most } times as long as the other.
error-mask-empty = That mask marks nothing to repaint. Paint the area white, or make it transparent.
note-picture-cropped = Your picture was cropped to { $size }.
note-picture-scaled = To leave room around it, your picture was scaled from { $was } to { $now }.
note-picture-frame = Only the first frame of your picture is used.
note-picture-cmyk = Your picture was meant for print (CMYK); on screen its colours differ a little.
note-picture-deep = Your picture was reduced to 8 bits per channel.
note-picture-white = Transparent parts of your picture are taken as white.
error-picture-tier = Your { $tier } tier does not take pictures of your own.
error-picture-server = The admins here do not allow pictures of your own. You can still use pictures that I drew.
error-picture-gone = The picture that this was made from is no longer kept. Send it again.
error-picture-needed = { $option } says what to do with a picture: send one along.
error-mask-shape = The mask must have the same proportions as the picture.
error-mask-area = Use only one of these: a mask, an area or a side to expand.
note-edited = Your picture was edited as you described.
note-varied = { $model } varies a picture and does not edit it by instruction.
note-strength-unread = { $model } edits by instruction, so strength has no effect.
error-workflow-vary = { $model } cannot draw from a picture.
error-workflow-inpaint = { $model } cannot redraw a part of a picture.
error-workflow-enlarge = { $model } cannot enlarge a picture.
moderation-picture = That picture cannot be used here.

## Pictures that are followed

error-control-none = { $model } cannot keep to the outlines, depth or pose of a picture.
error-control-kind = { $model } cannot keep to { $found }; it can keep to: { $allowed }.
error-control-two = Only one of these at a time: edges, depth or pose.
error-control-missing = control-strength says how closely to keep to a picture: say what to keep to as well, with control.
error-control-alone = With control, only the map of your picture is used: leave out { $option }.
error-control-again = Only the map of that picture is kept. Send the picture again to use it in another way.
error-control-nothing-edges = No outlines were found in that picture.
error-control-map-depth = Send a depth map in shades of grey, lighter where things are nearer. I cannot make one from a photo.
error-control-map-pose = Send a pose as OpenPose draws it, in colours on black. I cannot make one from a photo.
fact-control = Follows
value-control = { $control }, { $strength }

## What can be done with a result

button-redraw = Redraw larger
button-subtle = Vary a little
button-strong = Vary a lot
button-area = Area
button-wider = Zoom out
each-redraw = R{ $number }
action-area-title = Redraw a part
action-area = Choose the part to redraw by its number.
action-area-prompt = What to draw there
fact-strength = Strength
fact-area = Area
fact-expand = Expanded

## Discord

cmd-edit = Edit picture
discord-no-picture = There is no picture in that message.
discord-not-downloaded = Discord did not hand that picture over. Try again in a moment.
action-edit-title = Edit picture
action-edit-prompt = What it should become
action-edit-strength = Strength
action-edit-area = Area
action-edit-mask = Mask
action-edit-control = Keep to
opt-picture = picture
opt-picture-about = A picture to draw from
opt-mask = mask
opt-mask-about = A picture as large as the other: white or transparent where to redraw
