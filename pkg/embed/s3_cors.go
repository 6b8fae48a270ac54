package embed

import (
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v3"
)

const (
	// s3ExposedHeaders are what scripts may read of an answer.
	s3ExposedHeaders = "ETag, Content-Length, Content-Range, Accept-Ranges, Last-Modified, x-amz-request-id, x-amz-version-id"
	s3AllowedMethods = "GET, HEAD, PUT, POST, DELETE"
	// s3PreflightSeconds is how long a browser may remember a preflight.
	s3PreflightSeconds = "600"
)

// allowOrigins answers browsers about other origins (Fetch standard, section
// 3.3 "CORS protocol"). versitygw's own default knows one origin for all, and
// its rules by bucket would have to be repeated for each new bucket.
func allowOrigins(origins []string) fiber.Handler {
	return func(ctx fiber.Ctx) error {
		origin := ctx.Get(fiber.HeaderOrigin)
		if origin == "" || !(slices.Contains(origins, origin) || slices.Contains(origins, "*")) {
			return ctx.Next()
		}
		if ctx.Method() != http.MethodOptions || ctx.Get(fiber.HeaderAccessControlRequestMethod) == "" {
			err := ctx.Next()
			// A bucket with rules of its own has answered too, and browsers take one
			// answer only.
			setOnly(ctx, fiber.HeaderAccessControlAllowOrigin, origin)
			setOnly(ctx, fiber.HeaderAccessControlExposeHeaders, s3ExposedHeaders)
			ctx.Append(fiber.HeaderVary, fiber.HeaderOrigin)
			return err
		}
		ctx.Set(fiber.HeaderAccessControlAllowOrigin, origin)
		ctx.Append(fiber.HeaderVary, fiber.HeaderOrigin)
		ctx.Set(fiber.HeaderAccessControlAllowMethods, s3AllowedMethods)
		ctx.Set(fiber.HeaderAccessControlAllowHeaders, ctx.Get(fiber.HeaderAccessControlRequestHeaders))
		ctx.Set(fiber.HeaderAccessControlMaxAge, s3PreflightSeconds)
		return ctx.SendStatus(http.StatusNoContent)
	}
}

// setOnly replaces every value that a header of the answer has.
func setOnly(ctx fiber.Ctx, name, value string) {
	ctx.Response().Header.Del(name)
	ctx.Set(name, value)
}
