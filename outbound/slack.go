package outbound

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// slackFields are what an incoming webhook of Slack knows beside its text.
var slackFields = []string{"channel", "username", "icon_emoji", "icon_url", "attachments", "blocks", "thread_ts", "unfurl_links", "mrkdwn"}

// slack posts a message: {message, slackhookurl, channel, …}. The URL may stand in settings.slack.url instead. The result
// is Slack's answer as text.
func (c *Client) slack(ctx context.Context, caller *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	if len(args) == 0 || !gjson.ParseBytes(args[0]).IsObject() {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "slack needs an object with a message")
	}
	options := gjson.ParseBytes(args[0])
	settings := gjson.GetBytes(caller.Table.Settings, "slack")
	url := options.Get("slackhookurl").String()
	if url == "" {
		url = settings.Get("url").String()
	}
	if url == "" {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "slack needs a slackhookurl, or settings.slack.url")
	}
	post := map[string]any{"text": options.Get("message").String()}
	if text := options.Get("text"); text.Exists() && !options.Get("message").Exists() {
		post["text"] = text.String()
	}
	for _, name := range slackFields {
		if v := options.Get(name); v.Exists() {
			post[name] = json.RawMessage(v.Raw)
		} else if v := settings.Get(name); v.Exists() {
			post[name] = json.RawMessage(v.Raw)
		}
	}
	body, err := json.Marshal(post)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the message cannot be sent as JSON").Because(err)
	}
	leave, err := c.enter(ctx, caller, len(body))
	if err != nil {
		return nil, err
	}
	defer leave()
	a, give, err := c.request(ctx, caller, &message{
		URL: url, Method: "POST", Body: string(body), Headers: [][2]string{{"Content-Type", "application/json"}}, Redirect: "error",
		label: "slack", // whoever knows the URL can post
	})
	defer give()
	if err != nil {
		return nil, err
	}
	if a.Status >= 300 {
		return nil, failure(hooks.CodeServiceError, "slack answered %d: %.200s", a.Status, a.text())
	}
	return json.Marshal(a.text())
}
