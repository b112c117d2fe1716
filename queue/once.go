package queue

import "time"

const onceAge = 24 * time.Hour
