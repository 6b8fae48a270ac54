package portalbff

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

// maxSigned is how many parts one call signs.
const maxSigned = 100

// Me implements portalv1.Portal.
func (s *Service) Me(ctx context.Context, _ *portalv1.MeRequest) (*portalv1.MeResponse, error) {
	id := auth.From(ctx)
	response := &portalv1.MeResponse{User: id.Subject, Tenant: id.Tenant, Version: s.deps.Settings.Version, Region: s.deps.Settings.Region}
	for _, scope := range id.Scopes {
		response.Scopes = append(response.Scopes, string(scope))
	}
	return response, nil
}

// CreateLoginLink implements portalv1.Portal.
func (s *Service) CreateLoginLink(ctx context.Context, r *portalv1.CreateLoginLinkRequest) (*portalv1.CreateLoginLinkResponse, error) {
	id := auth.From(ctx)
	if id.Kind != auth.KindUser {
		return nil, fault.Newf(fault.PermissionDenied, "%s %s is no user", id.Kind, id.Subject)
	}
	code, expires, err := s.sessions.newCode(ctx, grant{Subject: id.Subject, Tenant: id.Tenant, Scopes: id.Scopes, Next: localPath(r.GetNext())})
	if err != nil {
		return nil, err
	}
	return &portalv1.CreateLoginLinkResponse{Url: s.deps.Settings.PublicURL + "/login?code=" + code, ExpiresUnixNs: expires.UnixNano()}, nil
}

// StartUpload implements portalv1.Portal.
func (s *Service) StartUpload(ctx context.Context, r *portalv1.StartUploadRequest) (*portalv1.StartUploadResponse, error) {
	u, err := s.begin(ctx, auth.From(ctx).Tenant, r.GetFileName(), r.GetMimeType(), r.GetSize())
	if err != nil {
		return nil, err
	}
	return &portalv1.StartUploadResponse{UploadId: u.id(), PartSize: u.Part, Parts: u.parts()}, nil
}

// SignParts implements portalv1.Portal.
func (s *Service) SignParts(ctx context.Context, r *portalv1.SignPartsRequest) (*portalv1.SignPartsResponse, error) {
	u, err := parseUpload(auth.From(ctx).Tenant, r.GetUploadId())
	if err != nil {
		return nil, err
	}
	if len(r.GetParts()) > maxSigned {
		return nil, fault.Newf(fault.InvalidArgument, "%d parts in one call, at most %d are signed", len(r.GetParts()), maxSigned)
	}
	urls, err := s.sign(u, r.GetParts())
	return &portalv1.SignPartsResponse{Urls: urls}, err
}

// CompleteUpload implements portalv1.Portal.
func (s *Service) CompleteUpload(ctx context.Context, r *portalv1.CompleteUploadRequest) (*portalv1.CompleteUploadResponse, error) {
	u, err := parseUpload(auth.From(ctx).Tenant, r.GetUploadId())
	if err != nil {
		return nil, err
	}
	url, err := s.complete(ctx, u, r.GetEtags())
	if err != nil {
		return nil, err
	}
	s.metrics.uploaded.Add(float64(u.Size))
	return &portalv1.CompleteUploadResponse{Url: url}, nil
}

// AbortUpload implements portalv1.Portal.
func (s *Service) AbortUpload(ctx context.Context, r *portalv1.AbortUploadRequest) (*portalv1.AbortUploadResponse, error) {
	u, err := parseUpload(auth.From(ctx).Tenant, r.GetUploadId())
	if err != nil {
		return nil, err
	}
	return &portalv1.AbortUploadResponse{}, s.deps.Bucket.AbortUpload(ctx, u.Key, u.Upload)
}
