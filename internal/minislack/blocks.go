package minislack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// A checker holds blocks against the limits of Block Kit and collects what is wrong.
type checker struct {
	modal    bool
	accepted map[string]bool // younger types that pass unchecked
	problems []string
	blockIDs map[string]bool
}

func (c *checker) wrong(path, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", fmt.Sprintf(format, args...), path))
}

// decodeBlocks reads a JSON array of blocks, keeping numbers as they are.
func decodeBlocks(raw string) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(raw)))
	d.UseNumber()
	var blocks []any
	if err := d.Decode(&blocks); err != nil {
		return nil, err
	}
	return blocks, nil
}

// blocks checks all blocks of a message or view.
func (c *checker) blocks(path string, blocks []any) {
	c.blockIDs = map[string]bool{}
	most := 50
	if c.modal {
		most = 100
	}
	if len(blocks) > most {
		c.wrong(path, "no more than %d items allowed", most)
	}
	for i, b := range blocks {
		at := fmt.Sprintf("%s/%d", path, i)
		if block, ok := b.(object); ok {
			c.block(at, block)
		} else {
			c.wrong(at, "must be an object")
		}
	}
}

func (c *checker) block(path string, b object) {
	if id := str(b, "block_id"); id != "" {
		if c.blockIDs[id] {
			c.wrong(path+"/block_id", "block_id %q already exists", id)
		}
		c.blockIDs[id] = true
	}
	c.short(path, b, "block_id", 255)
	switch kind := str(b, "type"); kind {
	case "section":
		c.section(path, b)
	case "divider":
	case "header":
		c.text(path, b, "text", 150, "plain_text")
	case "image":
		c.image(path, b)
		if b["title"] != nil {
			c.text(path, b, "title", 2000, "plain_text")
		}
	case "actions":
		c.actions(path, b)
	case "context":
		c.context(path, b)
	case "rich_text":
		c.richText(path, b)
	case "input":
		c.input(path, b)
	default:
		if !c.accepted[kind] {
			c.wrong(path+"/type", "unsupported type: %s", kind)
		}
	}
}

func (c *checker) section(path string, b object) {
	if b["text"] == nil && b["fields"] == nil {
		c.wrong(path, "missing required field: text or fields")
	}
	if b["text"] != nil {
		c.text(path, b, "text", 3000, "")
	}
	if b["fields"] != nil {
		fields := c.list(path, b, "fields", 1, 10)
		for i := range fields {
			c.textObject(fmt.Sprintf("%s/fields/%d", path, i), fields[i], 2000, "")
		}
	}
	if b["accessory"] != nil {
		c.element(path+"/accessory", b["accessory"], false)
	}
}

func (c *checker) actions(path string, b object) {
	ids := map[string]bool{}
	for i, e := range c.list(path, b, "elements", 1, 25) {
		at := fmt.Sprintf("%s/elements/%d", path, i)
		c.element(at, e, false)
		el, _ := e.(object)
		id := str(el, "action_id")
		if id != "" && ids[id] {
			c.wrong(at+"/action_id", "action_id %q already exists", id)
		}
		ids[id] = true
		if str(el, "type") == "image" {
			c.wrong(at+"/type", "unsupported type: image")
		}
	}
}

func (c *checker) context(path string, b object) {
	for i, e := range c.list(path, b, "elements", 1, 10) {
		at := fmt.Sprintf("%s/elements/%d", path, i)
		if el, ok := e.(object); ok && str(el, "type") == "image" {
			c.image(at, el)
		} else {
			c.textObject(at, e, 3000, "")
		}
	}
}

func (c *checker) input(path string, b object) {
	if !c.modal {
		c.wrong(path+"/type", "unsupported type: input")
		return
	}
	c.text(path, b, "label", 2000, "plain_text")
	if b["hint"] != nil {
		c.text(path, b, "hint", 2000, "plain_text")
	}
	c.element(path+"/element", b["element"], true)
}

// image checks an image, as a block or an element.
func (c *checker) image(path string, b object) {
	c.short(path, b, "image_url", 3000)
	c.short(path, b, "alt_text", 2000)
	if str(b, "alt_text") == "" {
		c.wrong(path, "missing required field: alt_text")
	}
	if str(b, "image_url") == "" && b["slack_file"] == nil {
		c.wrong(path, "missing required field: image_url or slack_file")
	}
}

var richParts = []string{"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}

var richLeaves = []string{"text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "date", "color"}

func (c *checker) richText(path string, b object) {
	for i, e := range c.list(path, b, "elements", 1, 1000) {
		c.richPart(fmt.Sprintf("%s/elements/%d", path, i), e)
	}
}

func (c *checker) richPart(path string, e any) {
	part, _ := e.(object)
	kind := str(part, "type")
	if !slices.Contains(richParts, kind) {
		c.wrong(path+"/type", "unsupported type: %s", kind)
		return
	}
	for i, child := range c.list(path, part, "elements", 0, 10000) {
		at := fmt.Sprintf("%s/elements/%d", path, i)
		if kind == "rich_text_list" {
			c.richPart(at, child)
			continue
		}
		leaf, _ := child.(object)
		if !slices.Contains(richLeaves, str(leaf, "type")) {
			c.wrong(at+"/type", "unsupported type: %s", str(leaf, "type"))
		}
		if str(leaf, "type") == "text" && str(leaf, "text") == "" {
			c.wrong(at+"/text", "must be more than 0 characters")
		}
	}
}

// text checks a text object in a field that must be there.
func (c *checker) text(path string, b object, key string, most int, kind string) {
	if b[key] == nil {
		c.wrong(path, "missing required field: %s", key)
		return
	}
	c.textObject(path+"/"+key, b[key], most, kind)
}

func (c *checker) textObject(path string, v any, most int, kind string) {
	t, ok := v.(object)
	if !ok {
		c.wrong(path, "must provide an object")
		return
	}
	is := str(t, "type")
	switch {
	case is != "plain_text" && is != "mrkdwn":
		c.wrong(path+"/type", "unsupported type: %s", is)
	case kind != "" && is != kind:
		c.wrong(path+"/type", "must be %s", kind)
	case is == "mrkdwn" && t["emoji"] == true:
		c.wrong(path+"/emoji", "emoji is for plain_text only")
	}
	switch n := units(str(t, "text")); {
	case n == 0:
		c.wrong(path+"/text", "must be more than 0 characters")
	case n > most:
		c.wrong(path+"/text", "must be less than %d characters", most+1)
	}
}

// list checks that a field is an array of a legal length.
func (c *checker) list(path string, b object, key string, least, most int) []any {
	items, ok := b[key].([]any)
	switch {
	case !ok:
		c.wrong(path+"/"+key, "must be an array")
	case len(items) < least:
		c.wrong(path+"/"+key, "no fewer than %d items allowed", least)
	case len(items) > most:
		c.wrong(path+"/"+key, "no more than %d items allowed", most)
	}
	return items
}

// short checks the length of a string that may be absent.
func (c *checker) short(path string, b object, key string, most int) {
	if b[key] == nil {
		return
	}
	text, ok := b[key].(string)
	if !ok {
		c.wrong(path+"/"+key, "must be a string")
	} else if units(text) > most {
		c.wrong(path+"/"+key, "must be less than %d characters", most+1)
	}
}

// str reads a string of a JSON object; anything else is "".
func str(b object, key string) string {
	text, _ := b[key].(string)
	return text
}

// encodeBlocks stores blocks as Slack does: every text encoded and parsed, every block named.
func (s *Server) encodeBlocks(blocks []any) []any {
	for _, b := range blocks {
		block, _ := b.(object)
		if block == nil {
			continue
		}
		if str(block, "block_id") == "" {
			block["block_id"] = s.made("b")
		}
		encodeTexts(block)
	}
	return blocks
}

// encodeTexts encodes the texts anywhere inside a block, in place.
func encodeTexts(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			encodeTexts(item)
		}
	case object:
		text, isText := v["text"].(string)
		switch {
		case isText && v["type"] == "mrkdwn":
			free := v["verbatim"] != true
			v["text"] = encodeMarkup(text, parsing{links: free, mentions: free, emoji: true})
		case isText && (v["type"] == "plain_text" || v["type"] == "text"):
			v["text"] = encodeLiteral(text)
			if v["emoji"] == true {
				v["text"] = emojiNames.Replace(encodeLiteral(text))
			}
		}
		for key, item := range v {
			if key != "text" || !isText {
				encodeTexts(item)
			}
		}
	}
}
